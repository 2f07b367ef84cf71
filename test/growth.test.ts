import { expect, test } from 'vitest'
import { SYSTEM_METRICS } from '#cli/systemMetrics.ts'
import type { Database } from '#schema/database.ts'
import { countEndedJobs, deleteOldJobs } from '#workers/jobHistory.ts'
import { sweep } from '#workers/sweep.ts'
import { addJobs } from '#workers/test/addJobs.ts'
import { freshDatabase } from './database.ts'

const queues = { add: async () => {} }

test('with a million ended jobs, metrics and sweeps read a bounded number of rows', async () => {
  const db = await freshDatabase()
  await addJobs(db, 1_000_000, { days: 40 })
  await addJobs(db, 30, { status: 'Queued', prefix: 'queued' })
  await addJobs(db, 20, { status: 'Waiting', prefix: 'waiting' })
  await db.query('analyze job_run')
  await countEndedJobs(db)
  const read = async (sql: string, values: unknown[] = []) => {
    const { rows } = await db.query(`explain (analyze, buffers, format json) ${sql}`, values)
    const { Plan } = rows[0]['QUERY PLAN'][0]
    return Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
  }
  const whole = await read('select count(*) from job_run where finished_at is null or progress > 0')
  expect(whole).toBeGreaterThan(10_000) // blocks
  for (const { sql } of SYSTEM_METRICS) if (sql.includes('job_run')) expect(await read(sql)).toBeLessThan(400)

  const statements: { text: string; values?: unknown[] }[] = []
  const recording = {
    ...db,
    transaction: <T>(work: (sql: Pick<Database, 'query'>) => Promise<T>) =>
      db.transaction((sql) =>
        work({
          query: (text, values) => {
            statements.push({ text: text as string, values })
            return sql.query(text, values)
          },
        }),
      ),
  }
  await sweep({ db: recording, queues }, { staleMs: 15_000, queuedMs: 5_000 })
  await recording.transaction(async (sql) => {
    await countEndedJobs(sql)
    await deleteOldJobs(sql, { days: 30 })
  })
  for (const { text, values } of statements)
    if (/job_run/.test(text) && !text.includes('delete')) expect(await read(text, values)).toBeLessThan(400)
})
