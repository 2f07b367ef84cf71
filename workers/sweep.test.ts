import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { sweep } from './sweep.ts'
import { addJobs } from './test/addJobs.ts'

test('an answer that the queue has lost is found behind a long backlog of older trainings', async () => {
  const db = await freshDatabase()
  await addJobs(db, 600, { kind: 'fineTune', status: 'Queued', days: 1, prefix: 'training' })
  await addJobs(db, 600, { kind: 'rlhf', status: 'Waiting', days: 1, prefix: 'aligning' })
  await addJobs(db, 1, { status: 'Queued', prefix: 'answer' })
  await addJobs(db, 1, { status: 'Waiting', prefix: 'waiting' })
  await db.query(`update job_run set retry_at = created_at where status = 'Waiting'`)
  const found = await sweep({ db, queues: { add: async () => {} } }, { staleMs: undefined, queuedMs: 0 })
  expect(found.filter(({ lane }) => lane === 'infer').map(({ id }) => id)).toEqual(['answer1', 'waiting1'])
  expect(found).toHaveLength(1_002)
})
