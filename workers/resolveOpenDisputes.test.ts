import { expect, test } from 'vitest'
import { Dispute } from '#schema/onchain/disputes.ts'
import { insert, insertChain } from '#test/factory.ts'
import type { ChainClient } from './chain.ts'
import { resolveOpenDisputes } from './resolveOpenDisputes.ts'
import { silent, testWorker } from './test/testWorker.ts'

const TERM = 3_000n
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000)

/** Disputes of the index, whose last final block is 10. */
async function opened(disputes: Readonly<Record<string, Partial<Dispute>>>) {
  const { db, queues } = await testWorker()
  await insertChain(db, 20, { final: 10 })
  for (const [id, dispute] of Object.entries(disputes))
    await insert(db, Dispute, { id, subjectId: id, outcome: 'Open', openedAt: ago(60), fromBlock: 5, ...dispute })
  const chain = { read: async () => TERM } as unknown as Pick<ChainClient, 'read'>
  return {
    db,
    resolve: () => resolveOpenDisputes({ db, queues, chain, log: silent }),
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

test('a judgement’s, an ended one, one that is not final, and one that somebody is resolving are left alone', async () => {
  const { db, resolve, started } = await opened({
    1: { subject: 'Judgement' },
    2: { subject: 'RewardMap', outcome: 'Rejected' },
    3: { subject: 'RewardMap' },
    4: { subject: 'RewardMap', fromBlock: 11 },
  })
  await resolve()
  await resolve()
  expect(await started()).toEqual(['3'])
  expect((await db.query('select 1 from job_run')).rowCount).toBe(1)
})

test('what was left to a vote is ended when its term is over', async () => {
  const { resolve, started, end, db } = await opened({
    1: { subject: 'Judgement', openedAt: ago(Number(TERM) + 60) },
    2: { subject: 'Version' },
  })
  await resolve()
  expect(await started()).toEqual(['1'])
  await end('Succeeded', null)
  await resolve()
  await end('Failed', 'NEEDS_VOTE', '1 hour')
  await resolve()
  expect(await started()).toEqual(['1', '2'])
  await db.query(
    `update dispute set opened_at = opened_at - interval '1 day', outcome = case id when '1' then 'Lapsed' else outcome end`,
  )
  await resolve()
  expect(await started()).toEqual(['1', '2', '2'])
})

test('many disputes of one challenger keep those of others waiting for one of them only', async () => {
  const [many, other] = ['0x01', '0x02']
  const { resolve, started, end } = await opened({
    1: { subject: 'Contribution', challenger: many },
    2: { subject: 'Contribution', challenger: many },
    3: { subject: 'Contribution', challenger: many },
    4: { subject: 'Contribution', challenger: other },
  })
  for (let n = 0; n < 3; n++) {
    await resolve()
    await end('Succeeded', null)
  }
  expect(await started()).toEqual(['1', '4', '2'])
})
