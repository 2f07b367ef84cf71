import { expect, test } from 'vitest'
import { JOB_COUNTS } from '#schema/jobMetrics.ts'
import { CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { countEndedJobs, deleteCancelledCalls, deleteOldJobs } from './jobHistory.ts'
import { addJobs } from './test/addJobs.ts'

test('ended jobs are counted once, and the counts survive their deletion', async () => {
  const db = await freshDatabase()
  const counts = async () =>
    Object.fromEntries(
      (await db.query(JOB_COUNTS)).rows.map(({ kind, status, value }) => [`${kind} ${status}`, Number(value)]),
    )
  await addJobs(db, 5, { days: 40 })
  await addJobs(db, 3, { status: 'Failed', days: 20, prefix: 'failed' })
  await addJobs(db, 2, { status: 'Running', prefix: 'running' })
  await addJobs(db, 4, { kind: 'settleEpoch', prefix: 'new' })
  const all = { 'infer Succeeded': 5, 'infer Failed': 3, 'infer Running': 2, 'settleEpoch Succeeded': 4 }
  await countEndedJobs(db)
  expect(await counts()).toEqual(all)
  await countEndedJobs(db)
  expect(await counts()).toEqual(all)
  expect(await deleteOldJobs(db, { days: 30 })).toBeUndefined()
  expect((await db.query('select count(*) as n from job_run')).rows).toEqual([{ n: 9 }])
  expect(await counts()).toEqual(all)
})

test('a job that something still needs is not deleted', async () => {
  const db = await freshDatabase()
  const old = { days: 100 }
  await addJobs(db, 1, { ...old, prefix: 'plain' })
  await addJobs(db, 1, { ...old, kind: 'compare', prefix: 'comparison' })
  await addJobs(db, 1, { ...old, kind: 'fineTune', prefix: 'training' })
  await addJobs(db, 1, { ...old, kind: 'fineTune', status: 'Failed', prefix: 'untrained' })
  await addJobs(db, 3, { ...old, prefix: 'answer' })
  await addJobs(db, 3, { ...old, kind: 'attribute', status: 'Failed', prefix: 'attribution' })
  await db.query(`update job_run set input = jsonb_build_object('receiptId', 'answer' || right(id, 1)), parent_id = 'answer' || right(id, 1)
    where kind = 'attribute'`)
  await insert(db, Receipt, { id: 'answer1', jobId: 'answer1', epoch: 1 })
  await insert(db, Receipt, { id: 'answer2', jobId: 'answer2', epoch: null })
  await insert(db, Receipt, { id: 'answer3', jobId: 'answer3', epoch: 2 })
  await insert(db, RewardMap, { id: '1', epoch: 1, status: 'Published' })
  await insert(db, RewardMap, { id: '2', epoch: 2, status: 'Cancelled' }) // its map is published again
  await db.query(
    `insert into job_metric (id, job_id, name, step, value) values ('1', 'plain1', 'loss', 1, 1), ('2', 'training1', 'loss', 1, 1)`,
  )
  await countEndedJobs(db)
  const left = async () => (await db.query('select id from job_run order by id')).rows.map(({ id }) => id)
  const needed = ['answer2', 'answer3', 'attribution2', 'attribution3', 'comparison1', 'training1']
  await deleteOldJobs(db, { days: 90 })
  expect(await left()).toEqual(['answer1', ...needed]) // its attribution was there
  await deleteOldJobs(db, { days: 90 })
  expect(await left()).toEqual(needed)
  expect((await db.query('select job_id from job_metric')).rows).toEqual([{ job_id: 'training1' }])
})

test('calls that were cancelled before they began are deleted after minutes, with their holds once the ledger has released those', async () => {
  const db = await freshDatabase()
  const ended = async (prefix: string, more: { status?: string; days?: number } = {}) =>
    addJobs(db, 1, { status: 'Cancelled', days: 0.01, prefix, ...more })
  for (const prefix of ['free', 'released', 'held', 'begun']) await ended(prefix)
  await ended('young', { days: 0 })
  await ended('failed', { status: 'Failed' })
  await db.query(`update job_run set attempt = 0 where id <> 'begun1'`)
  const hold = { open: false, fee: 0n, channelId: '0xc', maximum: 7n }
  await insert(db, CreditHold, { ...hold, id: 'free1', channelId: null, maximum: 0n, isSettled: false })
  await insert(db, CreditHold, { ...hold, id: 'released1', isSettled: true })
  await insert(db, CreditHold, { ...hold, id: 'held1', isSettled: false })
  const left = async (table: string) => (await db.query(`select id from ${table} order by id`)).rows.map(({ id }) => id)
  expect(await deleteCancelledCalls(db)).toBe(false)
  expect(await left('job_run')).toHaveLength(6) // none is counted yet
  await countEndedJobs(db)
  expect(await deleteCancelledCalls(db)).toBe(false)
  expect(await left('job_run')).toEqual(['begun1', 'failed1', 'held1', 'young1'])
  expect(await left('credit_hold')).toEqual(['held1'])
})
