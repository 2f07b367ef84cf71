import { expect, test } from 'vitest'
import { hashKey } from '#graphql/access.ts'
import { ApiKey, KeyCall } from '#schema/offchain/access.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { account, insert } from '#test/factory.ts'
import { testApi } from '../test/api.ts'
import { codeOf } from '../test/market.ts'

const USAGE = `query ($every: UsagePeriod!, $from: DateTimeISO!, $to: DateTimeISO, $by: [UsageGroup!], $key: ID) {
  usage(every: $every, from: $from, to: $to, by: $by, keyId: $key) { time keyId endpointId consumer requests tokensIn tokensOut fees } }`
const [ada, ben] = [account(7), account(8)]
const keyOf = (name: string) => ({ authorization: `Bearer ${name}` })

async function used() {
  const api = await testApi({ auth: 'keys' })
  const { db } = api
  for (const [name, holder, role] of [
    ['ada-key-1', ada, 'Consumer'],
    ['ada-key-2', ada, 'Consumer'],
    ['ben-key-1', ben, 'Consumer'],
    ['operator-key', account(1), 'Operator'],
  ] as const)
    await insert(db, ApiKey, { id: hashKey(name), account: holder, role })
  const calls = [
    ['2026-03-01T10:00:00.000Z', ada, 'ada-key-1', '1'],
    ['2026-03-01T10:59:59.999Z', ada, 'ada-key-2', '2'],
    ['2026-03-01T11:00:00.000Z', ada, undefined, '1'],
    ['2026-03-02T00:00:00.000Z', ben, 'ben-key-1', '1'],
  ] as const
  for (const [n, [at, consumer, key, endpointId]] of calls.entries()) {
    const id = `r${n}`
    await insert(db, Receipt, {
      id,
      jobId: id,
      consumer,
      endpointId,
      answeredAt: new Date(at),
      tokensIn: 10,
      tokensOut: n,
      fee: 100n,
    })
    if (key) await insert(db, KeyCall, { id, keyId: hashKey(key) })
  }
  const told = async (variables: object, name: string) =>
    (
      await api.ask(USAGE, { from: '2026-03-01T00:00:00Z', to: '2026-03-03T00:00:00Z', ...variables }, keyOf(name))
    ).data.usage.map((row: { time: string; requests: number; tokensIn: string; tokensOut: string; fees: string }) =>
      [row.time.slice(5, 13), row.requests, row.tokensIn, row.tokensOut, row.fees].join(' '),
    )
  return { ...api, told }
}

test('usage by hour and by day: one’s own for a key, all for operators', async () => {
  const { told } = await used()
  expect(await told({ every: 'hour' }, 'ada-key-1')).toEqual(['03-01T10 2 20 1 200', '03-01T11 1 10 2 100'])
  expect(await told({ every: 'day' }, 'ada-key-1')).toEqual(['03-01T00 3 30 3 300'])
  expect(await told({ every: 'day' }, 'ben-key-1')).toEqual(['03-02T00 1 10 3 100'])
  expect(await told({ every: 'day' }, 'operator-key')).toEqual(['03-01T00 3 30 3 300', '03-02T00 1 10 3 100'])
  expect(await told({ every: 'day', key: hashKey('ada-key-2') }, 'ada-key-1')).toEqual(['03-01T00 1 10 1 100'])
  expect(await told({ every: 'day', key: hashKey('ada-key-2') }, 'ben-key-1')).toEqual([])
})

test('divided by key, endpoint and consumer', async () => {
  const { ask } = await used()
  const { data } = await ask(
    USAGE,
    { every: 'day', from: '2026-03-01T00:00:00Z', by: ['key', 'endpoint', 'consumer'] },
    keyOf('operator-key'),
  )
  const rows = data.usage.map((row: Record<string, unknown>) => [row.keyId, row.endpointId, row.consumer, row.requests])
  expect(rows).toHaveLength(4)
  expect(rows).toContainEqual([null, '1', ada, 1])
  expect(rows).toContainEqual([hashKey('ben-key-1'), '1', ben, 1])
})

test('nobody who is not known is told, and no question is too long', async () => {
  const { ask } = await used()
  const every = { every: 'hour', from: '2020-01-01T00:00:00Z' }
  expect(await codeOf(ask(USAGE, every))).toBe('UNAUTHENTICATED')
  expect(await codeOf(ask(USAGE, every, keyOf('ada-key-1')))).toBe('TOO_COMPLEX')
})

test('an index gives the calls of a consumer and of a time', async () => {
  const { db } = await used()
  const plan = (where: string) =>
    db.transaction(async (sql) => {
      await sql.query('set local enable_seqscan = off')
      return JSON.stringify((await sql.query(`explain select sum(fee) from receipt r where ${where}`)).rows)
    })
  expect(
    await plan(`r.consumer = '${ada}' and r.answered_at >= '2026-03-01' and r.answered_at < '2026-03-02'`),
  ).toMatch(/receipt_of_consumer|receipt_answered/)
})
