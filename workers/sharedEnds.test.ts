import { expect, test } from 'vitest'
import { batched } from '#schema/batch.ts'
import { findJob } from '#schema/enqueue.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { row, rowsOf } from '#schema/rows.ts'
import { claimNextJobs, type PlainSuccess, succeedJobs } from './jobState.ts'
import { testWorker } from './test/testWorker.ts'

const influence = (id: string, weight = 1) =>
  row(VersionInfluence, {
    ...{ id, versionId: '1', contributionId: id, influence: 0.5, standardError: 0.1 },
    ...{ significant: true, harmful: false, weight },
  })

/** Claimed jobs, and a function that ends them together, in one statement where that is possible. */
async function claimed(count: number) {
  const system = await testWorker()
  for (let i = 0; i < count; i++) await system.enqueue('settleEpoch', { epoch: 1 })
  const jobs = await claimNextJobs(system.db, 'chain', count, 'w')
  const succeed = batched((ends: readonly PlainSuccess[]) => succeedJobs(system.db, ends))
  const end = (rowsFor: (index: number) => PlainSuccess['rows']) => {
    const warmUp = succeed({ claim: { id: 'none', attempt: 1, workerId: 'w' }, result: '{}', rows: [] }) // the others gather behind it
    const ends = jobs.map((claim, index) => succeed({ claim, result: '{}', rows: rowsFor(index) }))
    return Promise.allSettled([warmUp, ...ends]).then(([, ...settled]) => settled.map((one) => one.status))
  }
  const statuses = () => Promise.all(jobs.map(async ({ id }) => (await findJob(system.db, id)).status))
  const stored = async () =>
    (await rowsOf(system.db, VersionInfluence, 'true', [], { orderBy: 'id' })).map(({ id }) => id)
  return { ...system, jobs, end, statuses, stored }
}

test('of jobs that end together, one whose claim is lost stores nothing, and the others store their rows', async () => {
  const { db, jobs, end, statuses, stored } = await claimed(3)
  await db.query(`update job_run set attempt = 2, worker_id = 'other' where id = $1`, [jobs[1]?.id])
  await end((index) => [influence(`${index}a`), influence(`${index}b`)])
  expect(await statuses()).toEqual(['Succeeded', 'Running', 'Succeeded'])
  expect(await stored()).toEqual(['0a', '0b', '2a', '2b'])
})

test('of jobs that end together, one whose row the database refuses fails alone', async () => {
  const { end, statuses, stored } = await claimed(3)
  const outcomes = await end((index) => [influence(`${index}`, index === 1 ? 1.5 : 1)])
  expect(outcomes).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await statuses()).toEqual(['Succeeded', 'Running', 'Succeeded'])
  expect(await stored()).toEqual(['0', '2'])
})

test('jobs that end together may replace the same row', async () => {
  const { end, statuses, stored } = await claimed(2)
  expect(await end(() => [influence('same')])).toEqual(['fulfilled', 'fulfilled'])
  expect(await statuses()).toEqual(['Succeeded', 'Succeeded'])
  expect(await stored()).toEqual(['same'])
})
