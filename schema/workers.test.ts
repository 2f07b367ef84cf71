import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { beatWorker, pruneWorkers, signOffWorker, workerStatus } from './workers.ts'

test('a worker is alive, stopped as it said, or lost; ended ones are forgotten after a week, but not while a job names them', async () => {
  const db = await freshDatabase()
  const add = (id: string, ago: string, stopped = 'null') =>
    db.query(
      `insert into worker_node (id, host, pid, device, concurrency, started_at, heartbeat_at, stopped_at)
       values ($1, 'h', 1, 'cpu', 1, now() - $2::interval, now() - $2::interval, ${stopped})`,
      [id, ago],
    )
  await add('alive', '1 second')
  await add('lost', '20 seconds')
  await add('stopped', '20 seconds', 'now()')
  await add('old', '8 days')
  await add('old but named', '8 days')
  await add('lately stopped', '8 days', 'now()')
  await db.query(
    `insert into job_run (id, kind, input, status, attempt, attempts, queue, progress, idempotency_key, worker_id, cancel_requested, created_at)
     values ('j', 'infer', '{}', 'Running', 1, 5, 'infer', 0, 'k', 'old but named', false, now())`,
  )
  const statuses = ['alive', 'lost', 'stopped', 'old', 'unknown'].map((id) => workerStatus(db, id))
  expect(await Promise.all(statuses)).toEqual(['Alive', 'Lost', 'Stopped', 'Lost', 'Lost'])
  await pruneWorkers(db)
  const kept = (await db.query('select id from worker_node order by id')).rows.map(({ id }) => id)
  expect(kept).toEqual(['alive', 'lately stopped', 'lost', 'old but named', 'stopped'])

  expect(await beatWorker(db, 'lost')).toBe(true)
  expect(await workerStatus(db, 'lost')).toBe('Alive')
  expect(await beatWorker(db, 'old')).toBe(false)
  await signOffWorker(db, 'lost')
  expect(await workerStatus(db, 'lost')).toBe('Stopped')
})
