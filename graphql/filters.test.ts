import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { account, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from './test/api.ts'

/** An oracle for filters without SQL, including the result of each operator on null. */
type Value = string | number | boolean | bigint | null
interface Tree {
  [name: string]: unknown
}

function holds(row: Record<string, Value>, where: Tree, datanets: Map<Value, Record<string, Value>>): boolean {
  return Object.entries(where).every(([name, condition]) => {
    if (name === 'and') return (condition as Tree[]).every((one) => holds(row, one, datanets))
    if (name === 'or') return (condition as Tree[]).some((one) => holds(row, one, datanets))
    if (name === 'not') return !holds(row, condition as Tree, datanets)
    if (name === 'datanet') {
      const datanet = datanets.get(row.datanetId ?? null)
      return datanet !== undefined && holds(datanet, condition as Tree, datanets)
    }
    return Object.entries(condition as Tree).every(([operator, operand]) =>
      compare(row[name] ?? null, operator, operand),
    )
  })
}

function compare(value: Value, operator: string, operand: unknown): boolean {
  if (operator === 'isNull') return (value === null) === operand
  if (operator === 'in') return value !== null && (operand as unknown[]).some((one) => String(one) === String(value))
  const [a, b] = typeof value === 'bigint' ? [value, BigInt(operand as string)] : [value, operand as Value]
  if (operator === 'ne') return a !== b
  if (a === null || b === null) return false
  if (operator === 'eq') return a === b
  if (operator === 'lt') return a < b
  if (operator === 'lte') return a <= b
  if (operator === 'gt') return a > b
  if (operator === 'gte') return a >= b
  return String(a).toLowerCase().includes(String(b).toLowerCase())
}

const small = fc.integer({ min: 0, max: 3 })
const wei = small.map((n) => String(BigInt(n) * 10n ** 24n))
const ordered = (of: fc.Arbitrary<unknown>) =>
  fc.record(
    { eq: of, ne: of, in: fc.array(of, { maxLength: 3 }), lt: of, lte: of, gt: of, gte: of, isNull: fc.boolean() },
    { requiredKeys: [] },
  )
const oneOf = (of: fc.Arbitrary<unknown>) =>
  ordered(of).map((all) => Object.fromEntries(Object.entries(all).slice(0, 2)))
const leaf = fc
  .record(
    {
      quality: oneOf(small),
      stake: oneOf(wei),
      status: fc.record({ eq: fc.constantFrom('Submitted', 'Accepted') }),
      excluded: fc.record({ eq: fc.boolean() }),
      reason: fc.record({ contains: fc.constantFrom('GOOD', 'o', '%', '') }, { requiredKeys: [] }),
      datanet: fc.record(
        { licence: fc.record({ eq: fc.constantFrom('MIT', 'CC0') }), minStake: oneOf(wei) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  )
  .map((all) => Object.fromEntries(Object.entries(all).slice(0, 2)))
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ and: fc.array(tie('tree'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('tree'), { maxLength: 3 }) }),
    fc.record({ not: tie('tree') }),
  ),
}))

test('every filter returns exactly the rows that match it', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  const datanets = [
    { id: '1', licence: 'MIT', minStake: 0n },
    { id: '2', licence: 'CC0', minStake: 10n ** 24n },
  ]
  const rows = Array.from({ length: 24 }, (_, i) => ({
    id: String(i + 1),
    datanetId: String((i % 3) + 1), // the third datanet does not exist
    contributor: account(1),
    quality: i % 5 === 0 ? null : i % 4,
    stake: BigInt(i % 4) * 10n ** 24n,
    status: i % 2 ? ('Accepted' as const) : ('Submitted' as const),
    excluded: i % 3 === 1,
    reason: [null, 'good', 'too short', '100%'][i % 4] ?? null,
  }))
  await insertAll(db, Datanet, datanets)
  await insertAll(db, Contribution, rows)
  const known = new Map(datanets.map((one) => [one.id as Value, one as Record<string, Value>]))
  await fc.assert(
    fc.asyncProperty(tree, async (where) => {
      const { data, errors } = await ask(
        'query ($where: ContributionWhere) { contributions(where: $where, first: 100) { totalCount nodes { id } } }',
        { where },
      )
      expect(errors).toBeUndefined()
      const expected = rows.filter((row) => holds(row, where, known)).map(({ id }) => id)
      expect(data.contributions.nodes.map(({ id }: { id: string }) => id)).toEqual(expected)
      expect(data.contributions.totalCount).toBe(expected.length)
    }),
    { numRuns: 150, seed: 11 },
  )
})

test('a mistyped address is refused, where an empty list would look like an answer', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 4)
  await insertAll(db, Contribution, [{ id: '1', contributor: account(1) }])
  const query = 'query ($where: ContributionWhere) { contributions(where: $where) { totalCount } }'
  for (const wrong of ['', account(1).slice(0, -1), `${account(1)}0`, 'alice.eth'])
    for (const operators of [{ eq: wrong }, { ne: wrong }, { in: [account(1), wrong] }]) {
      const { errors } = await ask(query, { where: { or: [{ contributor: operators }] } })
      expect(errors?.map(({ message, extensions }) => [extensions.code, message])).toEqual([
        ['BAD_INPUT', `where.contributor must be an address: 0x and 40 hex digits; got ${JSON.stringify(wrong)}.`],
      ])
    }
  const upper = await ask(query, { where: { contributor: { eq: `0x${account(1).slice(2).toUpperCase()}` } } })
  expect(upper.data.contributions.totalCount).toBe(1)
})
