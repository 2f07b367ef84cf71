import { expect, test } from 'vitest'
import { Dispute } from '#schema/onchain/disputes.ts'
import { insert } from '#test/factory.ts'
import { resolveOpenDisputes } from './resolveOpenDisputes.ts'
import { testWorker } from './test/testWorker.ts'

async function opened(disputes: Readonly<Record<string, Partial<Dispute>>>) {
  const { db, queues } = await testWorker()
  for (const [id, dispute] of Object.entries(disputes))
    await insert(db, Dispute, { id, subjectId: id, outcome: 'Open', ...dispute })
  return {
    db,
    resolve: () => resolveOpenDisputes({ db, queues }),
    started: async (): Promise<string[]> =>
      (await db.query(`select input->>'disputeId' as id from job_run order by created_at, id`)).rows.map(
        ({ id }) => id,
      ),
    end: (status: string, code: string | null, age = '0') =>
      db.query(
        `update job_run set status = $1, error = case when $2::text is null then null else jsonb_build_object('code', $2::text, 'message', '') end,
           finished_at = clock_timestamp() - $3::interval where finished_at is null`,
        [status, code, age],
      ),
  }
}

test('each dispute about a map gets one job of two workers, whoever has opened others before; of the others one at a time', async () => {
  const others = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [String(i + 1), { subject: 'Contribution' }] as const),
  )
  const { resolve, started, end } = await opened({
    ...others,
    21: { subject: 'RewardMap' },
    22: { subject: 'RewardMap' },
  })
  await Promise.all([resolve(), resolve()])
  expect((await started()).toSorted()).toEqual(['1', '21', '22'])
  await resolve()
  expect(await started()).toHaveLength(3)
  await end('Succeeded', null) // the index has not seen the ends yet
  await resolve()
  expect((await started()).slice(3)).toEqual(['2'])
})

test('what waits for its appeal keeps no other waiting', async () => {
  const { db, resolve, started } = await opened({ 1: { subject: 'Version' }, 2: { subject: 'Version' } })
  await resolve()
  await db.query(`update job_run set status = 'Waiting'`)
  await resolve()
  expect(await started()).toEqual(['1', '2'])
})

test('a job that failed is tried again after a pause, and not once it has left the dispute to a vote', async () => {
  const { resolve, started, end } = await opened({ 1: { subject: 'RewardMap' } })
  await resolve()
  await end('Failed', 'CHAIN', '9 minutes')
  await resolve()
  expect(await started()).toHaveLength(1)
})

test.each([
  ['CHAIN', 2],
  ['NEEDS_VOTE', 1],
])('after an hour, a job that failed with %s has started %i times', async (code, times) => {
  const { resolve, started, end } = await opened({ 1: { subject: 'Version' } })
  await resolve()
  await end('Failed', code, '1 hour')
  await resolve()
  expect(await started()).toHaveLength(times)
})

test('a judgement’s, an ended one, and one that somebody is resolving are left alone', async () => {
  const { db, resolve, started } = await opened({
    1: { subject: 'Judgement' },
    2: { subject: 'RewardMap', outcome: 'Rejected' },
    3: { subject: 'RewardMap' },
  })
  await resolve()
  await resolve()
  expect(await started()).toEqual(['3'])
  expect((await db.query('select 1 from job_run')).rowCount).toBe(1)
})
