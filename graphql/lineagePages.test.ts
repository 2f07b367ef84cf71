import { expect, test } from 'vitest'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Evaluation, ModelVersion } from '#schema/onchain/models.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { testApi } from './test/api.ts'
import { type GraphEdge, insertRandomLineage, walkLineage } from './test/lineageGraph.ts'

type Ask = Awaited<ReturnType<typeof testApi>>['ask']
interface Page {
  edges: Omit<GraphEdge, 'since'>[]
  nodes: { key: string }[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

/** All pages of a lineage, `size` edges each. */
async function pagesOf(ask: Ask, args: string, size: number): Promise<Page[]> {
  const pages: Page[] = []
  for (let after: string | null = null; ; ) {
    const { data, errors }: Awaited<ReturnType<Ask>> = await ask(
      `query ($after: String) { lineage(${args}, first: ${size}, after: $after) {
        edges { from to relation amount } nodes { key } pageInfo { hasNextPage endCursor } } }`,
      { after },
    )
    expect(errors).toBeUndefined()
    pages.push(data.lineage)
    if (!data.lineage.pageInfo.hasNextPage) return pages
    after = data.lineage.pageInfo.endCursor
  }
}

const print = ({ from, relation, to, amount }: Omit<GraphEdge, 'since'>) => `${from} -${relation} ${amount}→ ${to}`

test.each([1, 2, 3, 4, 5, 6])(
  'all pages together are the whole graph, from any node, in every direction, as of any block (%i)',
  async (seed) => {
    const { db, ask } = await testApi()
    await insertChain(db, 20)
    const random = seededRandomAt(seed, 0)
    const graph = await insertRandomLineage(db, random)
    const alive = (block: number) => graph.filter(({ since }) => since <= block)
    for (let round = 0; round < 40; round++) {
      const block = round % 3 ? 20 : 12 + random(9)
      const keys = [...new Set(alive(block).flatMap(({ from, to }) => [from, to]))]
      const [start, depth] = [keys[random(keys.length)] as string, random(2) ? 8 : random(3)]
      for (const direction of ['record', 'causes', 'effects'] as const) {
        const args = `of: "${start}", direction: ${direction}, depth: ${depth}, asOf: { block: ${block} }`
        const pages = await pagesOf(ask, args, 1 + random(9))
        const edges = pages.flatMap((page) => page.edges)
        const expected = walkLineage(graph, start, direction, { depth, block })
        expect(edges.map(print).sort(), args).toEqual(expected.map(print).sort())
        expect(new Set(pages.flatMap(({ nodes }) => nodes.map(({ key }) => key)))).toEqual(
          new Set([start, ...expected.flatMap(({ from, to }) => [from, to])]),
        )
        // The order does not depend on the size of the pages.
        if (round % 8 === 0) expect((await pagesOf(ask, args, 500)).flatMap((page) => page.edges)).toEqual(edges)
      }
    }
  },
)

test('a page ends in the middle of a node’s edges, and the next goes on there, also when rows came meanwhile', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 30)
  await insertAll(db, ModelVersion, [{ id: '1' }, { id: '2', parentId: '1' }])
  const ids = Array.from({ length: 700 }, (_, i) => String(i + 1))
  await insertAll(
    db,
    Contribution,
    ids.map((id) => ({ id, contributor: account(3) })),
  )
  await insertAll(
    db,
    VersionInfluence,
    ids.map((id) => ({ id: `1-${id}`, versionId: '1', contributionId: id, weight: Number(id) % 5 })),
  )
  await insertAll(
    db,
    Evaluation,
    [1, 2, 3].map((id) => ({ id: String(id), versionId: '2', score: 5n })),
  )
  const ask500 = (after: string | null) =>
    ask(
      'query ($after: String) { lineage(versionId: 2, asOf: { block: 9 }, after: $after) { truncated edges { from to relation amount } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
      { after },
    )
  const first = (await ask500(null)).data.lineage
  expect(first.edges).toHaveLength(500)
  expect(first).toMatchObject({ truncated: true, pageInfo: { hasNextPage: true, hasPreviousPage: false } })
  await insert(db, Evaluation, { id: '4', versionId: '2', score: 9n, fromBlock: 10 })
  statements()
  const second = (await ask500(first.pageInfo.endCursor)).data.lineage
  expect(statements().filter((text) => text.includes('with recursive'))).toHaveLength(1)
  expect(second).toMatchObject({ truncated: false, pageInfo: { hasNextPage: false, hasPreviousPage: true } })
  const all = [...first.edges, ...second.edges]
  expect(all.filter(({ relation }) => relation === 'data')).toHaveLength(700)
  expect(new Set(all.map(print)).size).toBe(1 + 3 + 700)
  const weights = all.flatMap(({ relation, amount }) => (relation === 'data' ? [Number(amount)] : []))
  expect(weights).toEqual([...weights].sort((a, b) => b - a))
})

test('a lineage refuses hostile cursors, starts and sizes', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 5)
  await insertAll(db, ModelVersion, [{ id: '1' }, { id: '2', parentId: '1' }])
  const cursor = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url')
  const refused = async (args: string, after?: string) =>
    (await ask(`query ($after: String) { lineage(${args}, after: $after) { edges { from } } }`, { after })).errors?.[0]
      ?.extensions.code
  const mine = 'Lineage:record:8:ModelVersion:2'
  expect(await refused('versionId: 2', cursor(mine, 'data', '3', 'a', '1'))).toBeUndefined()
  expect(await refused('versionId: 2', cursor(mine, 'feedback', null, 'a', '1'))).toBeUndefined()
  for (const after of [
    'x',
    '"; drop table vote',
    'A'.repeat(100_000),
    cursor(),
    cursor(null),
    cursor(mine),
    cursor(mine, 'data', null, 'a', '1'),
    cursor(mine, 'data', '1e9', 'a', '1'),
    cursor(mine, 'data', '9'.repeat(19), 'a', '1'),
    cursor(mine, 'vote', '9'.repeat(79), 'a', '1'),
    cursor(mine, 'data', 3, 'a', '1'),
    cursor(mine, 'model', '3', 'a', '1'),
    cursor(mine, 'self', null, 'a', '1'),
    cursor(mine, 'constructor', null, 'a', '1'),
    cursor(mine, 'data', '3', 'a\0', '1'),
    cursor(mine, 'data', '3', 'a', null),
    cursor(mine, 'data', '3', 'a', '1', '2'),
    cursor('Lineage:record:8:ModelVersion:1', 'data', '3', 'a', '1'),
    cursor('Lineage:causes:8:ModelVersion:2', 'data', '3', 'a', '1'),
  ])
    expect(await refused('versionId: 2', after), after.slice(0, 60)).toBe('BAD_CURSOR')
  expect(await refused('depth: 1')).toBe('BAD_INPUT')
  expect(await refused('versionId: 1, of: "ModelVersion:1"')).toBe('BAD_INPUT')
  for (const of of ['ModelVersion', 'Receipt:1', 'toString:1', 'Account:zz', 'ModelVersion:', ': '])
    expect(await refused(`of: ${JSON.stringify(of)}`), of).toBe('BAD_INPUT')
  expect(await refused(`of: ${JSON.stringify("Vote:1' or true --")}`)).toBe('UNKNOWN_NODE')
  expect(await refused('of: "ModelVersion:3"')).toBe('UNKNOWN_MODEL_VERSION')
  expect(await refused('versionId: 1, first: 1001')).toBe('PAGE_TOO_LARGE')
  expect(await refused('versionId: 1, first: -1')).toBe('BAD_INPUT')
  expect(await refused(`of: "Account:${account(77)}"`)).toBeUndefined()
})
