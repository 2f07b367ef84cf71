import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Database } from '#schema/database.ts'
import { tableOf } from '#schema/define.ts'
import { ChainEvent } from '#schema/onchain/chain.ts'
import { Holder } from '#schema/onchain/governance.ts'
import { rowText } from '#schema/rowText.ts'
import { firstWrongRoot, storedRoots } from '#schema/stateChanges.ts'
import { BlockChanges } from '#schema/stateRoot.ts'
import { freshDatabase } from '#test/database.ts'
import type { IndexerOptions } from '../index.ts'
import type { TestChain } from '../test/chain.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { follow as followWith } from '../test/follow.ts'
import { noise, noisyChain } from '../test/noise.ts'

const CONFIRMATIONS = 20

const follow = (chain: TestChain, db: Database, options: Partial<IndexerOptions> = {}) =>
  followWith(chain, db, { confirmations: CONFIRMATIONS, ...options })

const all = (chain: TestChain, db: Database) => storedRoots(db, chain.deployment.chainId, 0, 100_000)
const unfounded = async (chain: TestChain, db: Database) => {
  const { rows } = await db.query('select contracts from cursor')
  return firstWrongRoot(db, chain.deployment.chainId, rows[0].contracts, 1e9)
}

test('the root is the same at each block, whatever the batches, restarts and forks in between', async () => {
  const { chain, next } = await noisyChain(25, 17)
  const piecemeal = await freshDatabase()
  const narrow = await faultyNode(chain.url) // final blocks come three at a time
  narrow.fault = ({ method, params: [first] }) => {
    const { fromBlock, toBlock } = (first ?? {}) as { fromBlock?: string; toBlock?: string }
    const wide = method === 'eth_getLogs' && fromBlock && Number(toBlock) - Number(fromBlock) >= 3
    return wide ? { error: { code: -32600, message: 'eth_getLogs is limited to a 3 block range' } } : undefined
  }
  const first = await follow(chain, piecemeal, { rpcUrl: narrow.url })
  await first.caughtUp()
  const before = await all(chain, piecemeal)
  await chain.call('anvil_reorg', 9, [])
  for (let i = 0; i < 12; i++) {
    await noise(chain, next)
    if (i % 3 === 0) await first.caughtUp()
  }
  await first.stop()
  for (let i = 0; i < 5; i++) await noise(chain, next)
  await (await follow(chain, piecemeal)).caughtUp() // started again, in one batch
  const whole = await freshDatabase()
  await (await follow(chain, whole)).caughtUp()
  const roots = await all(chain, piecemeal)
  expect(roots).toEqual(await all(chain, whole))
  expect(roots.length).toBeGreaterThan(20)
  expect(new Set(roots.map(({ root }) => root)).size).toBe(roots.length)
  expect(roots).not.toEqual(expect.arrayContaining([before.at(-1)])) // what the fork took back is gone
  expect(await unfounded(chain, piecemeal)).toBeUndefined()
})

test('when any version is changed by hand, the block of the first changed version is named', async () => {
  const { chain } = await noisyChain(25, 17)
  const db = await freshDatabase()
  await (await follow(chain, db)).caughtUp()
  const { rows: old } = await db.query(
    'select id, from_block, to_block from holder where to_block is not null order by from_block limit 1',
  )
  const [{ id, from_block: from, to_block: to }] = old
  const { rows: late } = await db.query('select id, from_block from chain_event order by id desc limit 1')
  const { rows: roots } = await db.query('select from_block from state_root order by from_block offset 3 limit 1')
  const root = roots[0].from_block
  const where = `id = '${id}' and from_block = ${from}`
  for (const [statement, block] of [
    [`update holder set balance = balance + 1 where ${where}`, from],
    [`update holder set to_block = to_block + 1 where ${where}`, to],
    [`delete from holder where ${where}`, from],
    [
      `insert into holder select (jsonb_populate_record(h, '{"id": "0xd", "from_block": ${to}, "to_block": ${to + 1}}')).* from holder h where ${where}`,
      to,
    ],
    [`update chain_event set args = args || '{"value": "7"}' where id = '${late[0].id}'`, late[0].from_block],
    [`update state_root set digest = root where from_block = ${root}`, root],
    [`update state_root set root = digest where from_block = ${root}`, root],
    [`delete from state_root where from_block = ${root}`, root],
  ] as const) {
    const undo = new Error('undo')
    await db
      .transaction(async (sql) => {
        await sql.query(statement)
        const { rows } = await sql.query('select contracts from cursor')
        const found = await firstWrongRoot(sql, chain.deployment.chainId, rows[0].contracts, 1e9)
        expect({ statement, found }).toEqual({ statement, found: block })
        throw undo
      })
      .catch((error) => {
        if (error !== undo) throw error
      })
  }
  expect(await unfounded(chain, db)).toBeUndefined()
})

test('an index from before state roots existed gets the roots that it would have', async () => {
  const { chain } = await noisyChain(15, 17)
  const db = await freshDatabase()
  const first = await follow(chain, db)
  await first.caughtUp()
  await first.stop()
  const roots = await all(chain, db)
  await db.query('delete from state_root')
  await (await follow(chain, db)).caughtUp()
  expect(await all(chain, db)).toEqual(roots)
  const { rows } = await db.query('select count(*)::int as present from state_root where to_block is null')
  expect(rows[0].present).toBe(1)
})

test('a line has exactly one form for every value', () => {
  const holder = tableOf(Holder)
  const row = { id: '0xa', balance: 5n, delegate: null, votes: 2n ** 255n, fromBlock: 7, toBlock: 9 }
  const line = (values: object) => rowText(holder, values as typeof row)
  expect(line(row)).toBe(`0xa\t\\N\t5\t\\N\t\\N\t\\N\t${2n ** 255n}`)
  expect(line({ ...row, toBlock: null, delegate: undefined })).toBe(line(row)) // ends are changes of their own
  expect(line({ ...row, balance: 50n })).not.toBe(line(row))
  expect(line({ ...row, delegate: '\\N' })).not.toBe(line(row)) // a text that looks like none
  expect(line({ ...row, delegate: 'a\tb\n' }).split(/[\t\n]/)).toHaveLength(line(row).split('\t').length)
  const event = (args: object) => rowText(tableOf(ChainEvent), { id: '1', args })
  expect(event({ a: '1', b: { d: ['x'], c: null } })).toBe(event({ b: { c: null, d: ['x'] }, a: '1' }))
  expect(event({ a: [{ y: 1, x: 2 }] })).toBe(event({ a: [{ x: 2, y: 1 }] }))
  expect(event({ a: ['1', '2'] })).not.toBe(event({ a: ['2', '1'] }))
})

test('a digest is the SHA-256 of the tables with their lines, independent of their order', () => {
  const one = new BlockChanges()
  one.opened('vote', 'b')
  one.ended('holder', '0xa\t', 7)
  one.opened('vote', 'a')
  const other = new BlockChanges()
  other.opened('vote', 'a')
  other.opened('vote', 'b')
  other.ended('holder', '0xa\t', 7)
  const text = 'holder\t0\t1\n0xa\\t\t7\nvote\t2\t0\na\nb\n'
  expect(one.digest()).toBe(`0x${createHash('sha256').update(text).digest('hex')}`)
  expect(other.digest()).toBe(one.digest())
  expect([one.count, other.count]).toEqual([3, 3])
})
