import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Evaluation } from '#schema/onchain/models.ts'
import { account, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from './test/api.ts'

interface Page {
  edges: { cursor: string; node: { id: string } }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}

const FIELDS = ['id', 'quality', 'uniqueness', 'contributor', 'submittedAt', 'stake', 'excluded', 'status', 'reason']

test('with any order and page size, paging in either direction gives every row exactly once, in order', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  const rows = Array.from({ length: 37 }, (_, i) => ({
    id: String(i * 7 + 1),
    quality: i % 4 === 0 ? null : (i * 13) % 5,
    uniqueness: i % 3 === 0 ? null : i % 2,
    contributor: account(i % 6),
    submittedAt: blockTime(i % 5),
    stake: BigInt(i % 3) * 10n ** 30n,
    excluded: i % 2 === 0,
    reason: i % 5 === 0 ? null : `reason ${i % 3}`,
  }))
  await insertAll(db, Contribution, rows)
  // Times that differ by less than a millisecond must not be lost between the database and the cursor.
  await db.query(`update contribution set submitted_at = submitted_at + (length(id) || ' microseconds')::interval`)
  const query = `query ($orderBy: [ContributionOrderBy!], $first: Int, $after: String, $last: Int, $before: String) {
    contributions(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
  const page = async (variables: object): Promise<Page> => {
    const { data, errors } = await ask(query, variables)
    expect(errors).toBeUndefined()
    return data.contributions
  }
  const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id)

  const orders = fc.uniqueArray(
    fc.record({ field: fc.constantFrom(...FIELDS), direction: fc.constantFrom('asc', 'desc') }),
    { maxLength: 3, selector: ({ field }) => field },
  )
  await fc.assert(
    fc.asyncProperty(orders, fc.integer({ min: 1, max: 40 }), async (orderBy, size) => {
      const whole = idsOf(await page({ orderBy, first: 1000 }))
      expect(new Set(whole).size).toBe(rows.length)

      const forward: string[] = []
      for (let after: string | null = null, more = true; more; ) {
        const part: Page = await page({ orderBy, first: size, after })
        forward.push(...idsOf(part))
        expect(part.pageInfo.startCursor).toBe(part.edges[0]?.cursor ?? null)
        after = part.pageInfo.endCursor
        more = part.pageInfo.hasNextPage
      }
      expect(forward).toEqual(whole)

      const backward: string[] = []
      for (let before: string | null = null, more = true; more; ) {
        const part: Page = await page({ orderBy, last: size, before })
        backward.unshift(...idsOf(part))
        before = part.pageInfo.startCursor
        more = part.pageInfo.hasPreviousPage
      }
      expect(backward).toEqual(whole)
    }),
    { numRuns: 12, seed: 7 },
  )
})

test('paging continues at its position although rows are inserted before and after it', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  await insertAll(
    db,
    Evaluation,
    [10n, 20n, 30n, 40n].map((score) => ({ id: `${score}`, score })),
  )
  const next = async (after: string | null) =>
    (
      await ask(
        'query ($after: String) { evaluations(orderBy: [{ field: score }], first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }',
        { after },
      )
    ).data.evaluations
  const first = await next(null)
  expect(first.nodes).toEqual([{ id: '10' }, { id: '20' }])
  await insert(db, Evaluation, { id: '5', score: 5n })
  await insert(db, Evaluation, { id: '25', score: 25n })
  const second = await next(first.pageInfo.endCursor)
  expect(second.nodes).toEqual([{ id: '25' }, { id: '30' }])
  await db.query(`delete from evaluation where id = '30'`)
  expect((await next(second.pageInfo.endCursor)).nodes).toEqual([{ id: '40' }])
})

test('contradictory arguments, too large pages, and cursors of another list are refused', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  await insertAll(db, Evaluation, [{ id: '1' }, { id: '2' }])
  const refuse = async (args: string) =>
    (await ask(`{ evaluations(${args}) { nodes { id } pageInfo { endCursor } } }`)).errors?.[0]?.extensions.code
  expect(await refuse('first: 1001')).toBe('PAGE_TOO_LARGE')
  expect(await refuse('last: 2147483647')).toBe('PAGE_TOO_LARGE')
  expect(await refuse('first: -1')).toBe('BAD_PAGE')
  expect(await refuse('first: 1, last: 1')).toBe('BAD_PAGE')
  expect(await refuse('first: 0')).toBeUndefined()
  const { data } = await ask('{ evaluations(first: 1) { pageInfo { endCursor } } models { pageInfo { endCursor } } }')
  const cursor: string = data.evaluations.pageInfo.endCursor
  expect(await refuse(`first: 1, after: "${cursor}"`)).toBeUndefined()
  expect(await refuse(`last: 1, after: "${cursor}"`)).toBe('BAD_PAGE')
  expect(await refuse(`after: "${cursor}", orderBy: [{ field: score }]`)).toBe('BAD_CURSOR')
  const forge = (keys: unknown) => Buffer.from(JSON.stringify(keys)).toString('base64url')
  const name = 'Evaluation:id+'
  for (const bad of [
    '',
    '!',
    'null',
    'e30',
    `${cursor}A`.repeat(300),
    forge([name]),
    forge([name, '1', '1', '1']),
    forge([name, 'x', '1']),
    forge([name, null, '1']),
    forge([name, 1, 2]),
    forge([name, '1', 'a\0b']),
    forge(['Model:id+', '1', '1']),
  ])
    expect(await refuse(`after: ${JSON.stringify(bad)}`)).toBe('BAD_CURSOR')
  expect(await refuse(`after: "${forge([name, '9999999999', '1'])}"`)).toBe('BAD_INPUT')
  expect(await refuse(`after: "${forge([name, '1', "1'; drop table evaluation; --"])}"`)).toBeUndefined()
  expect((await ask('{ evaluations { totalCount } }')).data.evaluations.totalCount).toBe(2)
})

test('a list in the order of long texts goes on from its own cursors', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  const reasons = ['b', 'a', 'a', 'c'].map((first) => first + '\u{1F5F3}\u0001'.repeat(20_000))
  await insertAll(
    db,
    Contribution,
    reasons.map((reason, i) => ({ id: String(i + 1), reason })),
  )
  const query = `query ($after: String) { contributions(orderBy: [{ field: reason }], first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }`
  const seen: string[] = []
  for (let after: string | null = null; seen.length < reasons.length; ) {
    const { data, errors } = await ask(query, { after })
    expect(errors).toBeUndefined()
    seen.push(data.contributions.nodes[0].id)
    after = data.contributions.pageInfo.endCursor
  }
  expect(seen).toEqual(['2', '3', '1', '4'])
})
