import { expect, test } from 'vitest'
import { nextRoot, originRoot } from '#schema/stateRoot.ts'
import { TEST_CHAIN_ID } from '#test/factory.ts'
import { testApi } from './test/api.ts'

const CONTRACTS = { GOpen: `0x${'1'.repeat(40)}` }
const hash = (block: number) => `0x${String(block).repeat(64)}`

/** An index of three blocks, of which the second and third have roots. */
async function indexed() {
  const api = await testApi()
  const { db } = api
  const timestamp = new Date('2027-01-01')
  for (const block of [1, 2, 3])
    await db.query(
      'insert into block (id, number, hash, parent_hash, timestamp, final) values ($1, $2, $3, $4, $5, $6)',
      [String(block), block, hash(block), hash(block - 1), timestamp, block < 3],
    )
  await db.query(
    `insert into cursor (id, block, hash, final_block, head_block, contracts, updated_at) values ($1, 3, $2, 2, 3, $3, now())`,
    [String(TEST_CHAIN_ID), hash(3), CONTRACTS],
  )
  const second = nextRoot(originRoot(TEST_CHAIN_ID, CONTRACTS), 2, hash(2), hash(11))
  const third = nextRoot(second, 3, hash(3), hash(12))
  const store = `insert into state_root (id, from_block, to_block, root, digest, block_hash, changes) values ($1, $2, $3, $4, $5, $6, 1)`
  await db.query(store, [String(TEST_CHAIN_ID), 2, 3, second, hash(11), hash(2)])
  await db.query(store, [String(TEST_CHAIN_ID), 3, null, third, hash(12), hash(3)])
  return { api, roots: { first: originRoot(TEST_CHAIN_ID, CONTRACTS), second, third } }
}

test('the state root is given as of any block, also before the first change', async () => {
  const { api, roots } = await indexed()
  const at = async (asOf: string) => (await api.ask(`{ _meta${asOf} { block final stateRoot } }`)).data._meta
  expect(await at('(asOf: { block: 1 })')).toEqual({ block: 1, final: true, stateRoot: roots.first })
  expect(await at('(asOf: { block: 2 })')).toEqual({ block: 2, final: true, stateRoot: roots.second })
  expect(await at('')).toEqual({ block: 3, final: false, stateRoot: roots.third })
  const { data } = await api.ask(
    `{ stateRoot(id: "${TEST_CHAIN_ID}", asOf: { block: 2 }) { root blockHash changes fromBlock toBlock } }`,
  )
  expect(data.stateRoot).toEqual({ root: roots.second, blockHash: hash(2), changes: 1, fromBlock: 2, toBlock: 3 })
})

test('on request, a response contains the blocks as of which it was read, whether they are final, and their roots', async () => {
  const { api, roots } = await indexed()
  const ask = async (query: string, extensions?: object) => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, extensions }),
    })
    return (await response.json()) as { data: object; extensions: Record<string, unknown> }
  }
  const query = '{ now: holders { totalCount } then: holders(asOf: { block: 2 }) { totalCount } }'
  expect((await ask(query)).extensions).not.toHaveProperty('moments')
  const { extensions } = await ask(query, { moments: true })
  expect(extensions.moments).toEqual(
    expect.arrayContaining([
      { block: 3, hash: hash(3), time: '2027-01-01T00:00:00.000Z', final: false, stateRoot: roots.third },
      { block: 2, hash: hash(2), time: '2027-01-01T00:00:00.000Z', final: true, stateRoot: roots.second },
    ]),
  )
})

test('an empty index has no root', async () => {
  const { ask } = await testApi()
  expect((await ask('{ _meta { block stateRoot } }')).data).toEqual({ _meta: { block: null, stateRoot: null } })
})
