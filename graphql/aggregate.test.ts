import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { account, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { LIMITS } from './plugins/limits.ts'
import { naming, publicTables } from './publicTables.ts'
import { apiSchema } from './schema.ts'
import { testApi } from './test/api.ts'

/** Aggregates equal what is computed here, in TypeScript, from the same rows. */

interface Row {
  id: string
  datanetId: string
  contributor: string
  status: Contribution['status']
  quality: number | null
  stake: bigint
  excluded: boolean
  submittedAt: Date
  fromBlock: number
  toBlock: number | null
}

const HEAD = 20
const DAY_MS = 86_400_000
const BUCKET_MS = { hour: 3_600_000, day: DAY_MS, week: 7 * DAY_MS }

const row = fc.record({
  datanetId: fc.constantFrom('1', '2', '10'),
  contributor: fc.integer({ min: 1, max: 4 }).map(account),
  status: fc.constantFrom('Submitted' as const, 'Accepted' as const, 'Rejected' as const),
  quality: fc.option(fc.integer({ min: -5, max: 1_000_000 })),
  stake: fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })),
  excluded: fc.boolean(),
  submittedAt: fc
    .integer({ min: 0, max: 100 * 24 })
    .map((hours) => new Date(Date.UTC(2025, 10, 20) + hours * 1_700_000)),
  fromBlock: fc.integer({ min: 1, max: HEAD }),
  length: fc.option(fc.integer({ min: 1, max: 8 })),
})

/** The start of the bucket in UTC; weeks begin on Mondays, as did 5 January 1970. */
function bucketStart(time: Date, every: 'hour' | 'day' | 'week' | 'month'): string {
  if (every === 'month') return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth())).toISOString()
  const from = every === 'week' ? 4 * DAY_MS : 0
  return new Date(Math.floor((+time - from) / BUCKET_MS[every]) * BUCKET_MS[every] + from).toISOString()
}

/** What the API must tell of some rows. */
function oracle(rows: readonly Row[]) {
  const sum = (values: readonly bigint[]) => (values.length ? `${values.reduce((a, b) => a + b, 0n)}` : null)
  const ends = <T extends bigint | number>(values: readonly T[], later: (a: T, b: T) => boolean) =>
    values.length ? values.reduce((best, one) => (later(one, best) ? one : best)) : null
  const stakes = rows.map(({ stake }) => stake)
  const qualities = rows.flatMap(({ quality }) => quality ?? [])
  const total = sum(qualities.map(BigInt))
  const text = (value: bigint | null) => (value === null ? null : `${value}`)
  const times = rows.map(({ submittedAt }) => +submittedAt)
  const time = (value: number | null) => (value === null ? null : new Date(value).toISOString())
  return {
    count: rows.length,
    values: {
      stake: {
        ...{ distinct: new Set(stakes).size, sum: sum(stakes) },
        avg: stakes.length ? `${stakes.reduce((a, b) => a + b) / BigInt(stakes.length)}` : null,
        min: text(ends(stakes, (a, b) => a < b)),
        max: text(ends(stakes, (a, b) => a > b)),
      },
      quality: {
        ...{ distinct: new Set(qualities).size, sum: total },
        avg: total === null ? null : expect.closeTo(Number(total) / qualities.length, 6),
        min: ends(qualities, (a, b) => a < b),
        max: ends(qualities, (a, b) => a > b),
      },
      contributor: { distinct: new Set(rows.map(({ contributor }) => contributor)).size },
      submittedAt: { min: time(ends(times, (a, b) => a < b)), max: time(ends(times, (a, b) => a > b)) },
    },
  }
}

const VALUES =
  'count values { stake { distinct sum avg min max } quality { distinct sum avg min max } contributor { distinct } submittedAt { min max } }'

/** Groups in the order of first appearance; the test compares them without their order. */
function groupsOf(rows: readonly Row[], keyOf: (row: Row) => object): { key: object; rows: Row[] }[] {
  const groups = new Map<string, { key: object; rows: Row[] }>()
  for (const one of rows) {
    const key = keyOf(one)
    const name = JSON.stringify(key)
    const group = groups.get(name) ?? { key, rows: [] }
    group.rows.push(one)
    groups.set(name, group)
  }
  return [...groups.values()]
}

test('aggregates and groups equal an independent computation over random rows, filters and points in the chain', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, HEAD)
  await insertAll(
    db,
    Datanet,
    ['1', '2', '10'].map((id) => ({ id })),
  )
  const bucketed = ['hour', 'day', 'week', 'month'] as const
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 60 }),
      fc.integer({ min: 0, max: HEAD }),
      fc.option(fc.constantFrom('Submitted', 'Accepted', 'Rejected')),
      fc.constantFrom(...bucketed),
      async (generated, block, status, every) => {
        await db.query('truncate contribution')
        const rows: Row[] = generated.map(({ length, ...one }, n) => ({
          ...one,
          id: String(n + 1),
          toBlock: length === null ? null : one.fromBlock + length,
        }))
        await insertAll(db, Contribution, rows)
        const where = status ? `where: { status: { eq: ${status} } }, ` : ''
        const query = `{ contributions(${where}asOf: { block: ${block} }) {
          totalCount
          aggregate { ${VALUES}
            byTime: groupBy(by: [{ field: submittedAt, every: ${every} }, { field: status }], first: 1000) { time key { status contributor } ${VALUES} }
            byBlock: groupBy(by: [{ field: fromBlock, every: hour }], first: 1000) { time count }
            largest: groupBy(by: [{ field: contributor }, { field: excluded }], orderBy: [{ value: sum, field: stake, direction: desc }], first: 3) { key { contributor excluded } values { stake { sum } } }
            second: groupBy(by: [{ field: datanetId }], first: 1, offset: 1, orderBy: [{ value: key, field: datanetId }]) { key { datanetId } count }
          } }
          datanets(orderBy: [{ field: id }]) { nodes { id contributions(${where}first: 1) { aggregate { ${VALUES} groupBy(by: [{ field: status }], orderBy: [{ value: key, field: status }]) { key { status } count } } } } } }`
        const { data, errors } = await ask(query.replace('datanets(', `datanets(asOf: { block: ${block} }, `))
        expect(errors).toBeUndefined()
        const visible = rows.filter(
          (one) =>
            one.fromBlock <= block &&
            (one.toBlock === null || one.toBlock > block) &&
            (status === null || one.status === status),
        )
        const { aggregate, totalCount } = data.contributions
        expect(totalCount).toBe(visible.length)
        expect(aggregate).toMatchObject(oracle(visible))

        const byTime = groupsOf(visible, (one) => ({ time: bucketStart(one.submittedAt, every), status: one.status }))
        expect(aggregate.byTime).toHaveLength(byTime.length)
        for (const { key, rows: own } of byTime) {
          const { time, status: of } = key as { time: string; status: string }
          const found = aggregate.byTime.filter(
            (one: { time: string; key: { status: string } }) => one.time === time && one.key.status === of,
          )
          expect(found).toEqual([{ time, key: { status: of, contributor: null }, ...oracle(own) }])
        }
        const times = aggregate.byTime.map(({ time }: { time: string }) => time)
        expect(times).toEqual([...times].sort())

        expect(aggregate.byBlock).toEqual(
          visible.length ? [{ time: bucketStart(blockTime(1), 'hour'), count: visible.length }] : [],
        )
        const sums = groupsOf(visible, ({ contributor, excluded }) => ({ contributor, excluded }))
          .map(({ key, rows: own }) => ({ key, sum: own.reduce((sum, { stake }) => sum + stake, 0n) }))
          .sort((a, b) => (a.sum < b.sum ? 1 : -1))
          .slice(0, 3)
        expect(aggregate.largest.map((one: { values: { stake: { sum: string } } }) => one.values.stake.sum)).toEqual(
          sums.map(({ sum }) => `${sum}`),
        )
        const datanets = ['1', '2', '10'].flatMap((id) => {
          const count = visible.filter(({ datanetId }) => datanetId === id).length
          return count ? [{ key: { datanetId: id }, count }] : []
        })
        expect(aggregate.second).toEqual(datanets.slice(1, 2))
        for (const datanet of data.datanets.nodes) {
          const own = visible.filter(({ datanetId }) => datanetId === datanet.id)
          const { groupBy, ...rest } = datanet.contributions.aggregate
          expect(rest).toEqual(oracle(own))
          const statuses = ['Accepted', 'Rejected', 'Submitted'].flatMap((one) => {
            const count = own.filter(({ status: of }) => of === one).length
            return count ? [{ key: { status: one }, count }] : []
          })
          expect(groupBy).toEqual(statuses)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('every list has every statistic of every field, and can be grouped by each', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 3)
  const typeOf = (name: string) =>
    apiSchema().getType(name) as unknown as { getFields(): Record<string, { type: unknown }> }
  for (const table of publicTables) {
    const fields = Object.entries(typeOf(`${table.name}Values`).getFields())
    const values = fields.map(([field, { type }]) => {
      const kind = String(type).replace('!', '')
      return `${field} { ${Object.keys(typeOf(kind).getFields()).join(' ')} }`
    })
    const groups = fields.map(
      ([field], n) => `g${n}: groupBy(by: [{ field: ${field} }]) { key { ${field} } count values { ${values[n]} } }`,
    )
    for (let start = 0; start < groups.length; start += 20) {
      const query = `{ list: ${naming(table).many} { aggregate { count values { ${values.join(' ')} } ${groups.slice(start, start + 20).join(' ')} } } }`
      const { errors } = await ask(query)
      expect({ table: table.name, errors }).toEqual({ table: table.name, errors: undefined })
    }
  }
})

test('an aggregate that asks for nothing sensible, or for too much, is told what to do', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 3)
  await insert(db, Datanet, { id: '1' })
  const code = async (args: string, below = 'count') => {
    const { errors } = await ask(`{ contributions { aggregate { groupBy(${args}) { ${below} } } } }`)
    return errors?.[0]?.extensions.code
  }
  expect(await code('by: []')).toBe('TOO_COMPLEX')
  expect(await code('by: [{ field: status }, { field: status }]')).toBe('BAD_INPUT')
  expect(await code('by: [{ field: status, every: day }]')).toBe('BAD_INPUT')
  expect(await code('by: [{ field: submittedAt, every: day }, { field: fromBlock, every: day }]')).toBe('BAD_INPUT')
  expect(await code('by: [{ field: status }], orderBy: [{ value: sum }]')).toBe('BAD_INPUT')
  expect(await code('by: [{ field: status }], orderBy: [{ value: sum, field: status }]')).toBe('BAD_INPUT')
  expect(await code('by: [{ field: status }], orderBy: [{ value: key, field: contributor }]')).toBe('BAD_INPUT')
  expect(await code('by: [{ field: status }], orderBy: [{ value: time }]')).toBe('BAD_INPUT')
  expect(await code('by: [{ field: status }], first: -1')).toBe('BAD_PAGE')
  expect(await code('by: [{ field: status }], offset: 100001')).toBe('PAGE_TOO_LARGE')
  expect(await code(`by: [${'{ field: status } '.repeat(6)}]`)).toBe('TOO_COMPLEX')
  expect(await code('by: [{ field: "status; drop table contribution" }]')).toBe('GRAPHQL_VALIDATION_FAILED')
  statements()
  expect(await code('by: [{ field: status }], first: 1001')).toBe('PAGE_TOO_LARGE')
  const many = Array.from(
    { length: 40 },
    (_, n) => `a${n}: groupBy(by: [{ field: id }], first: 1000) { count values { stake { sum } } }`,
  )
  const { errors } = await ask(`{ contributions { aggregate { ${many.join(' ')} } } }`)
  expect(errors?.[0]?.extensions.code).toBe('TOO_COMPLEX')
  const below = await ask(`{ datanets(first: 1000) { nodes { contributions { aggregate { count } } } } }`)
  expect(below.errors?.[0]?.message).toContain(`more than ${LIMITS.cost}`)
  expect(statements()).toEqual([])
  expect(
    await code('by: [{ field: status }], orderBy: [{ value: sum, field: stake }, { value: count }]'),
  ).toBeUndefined()
})

test('one statement reads an aggregate, and one the groups, however many rows are above them; no row is read that is not selected', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 3)
  await insertAll(
    db,
    Datanet,
    Array.from({ length: 9 }, (_, n) => ({ id: String(n + 1) })),
  )
  statements()
  const query =
    '{ datanets { nodes { contributions { aggregate { count groupBy(by: [{ field: status }]) { count } } } } } }'
  expect((await ask(query)).errors).toBeUndefined()
  expect(statements().filter((text) => text.includes('"contribution"'))).toHaveLength(2)
  expect(must((await ask('{ contributions { totalCount } }')).data).contributions.totalCount).toBe(0)
  expect(statements().filter((text) => text.includes('"contribution"'))).toHaveLength(1)
})
