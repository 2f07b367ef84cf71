import { ConfigError, readConfig } from '#config'
import { type JobSelection, retryJob, retryJobs } from '#graphql/commands/retry.ts'
import { ApiError } from '#graphql/errors.ts'
import type { Database } from '#schema/database.ts'
import { cancelJob, EnqueueError } from '#schema/enqueue.ts'
import { type JobKind, jobKinds } from '#schema/jobs.ts'
import { JOB_STATUS, JobRun, type JobStatus } from '#schema/offchain/jobs.ts'
import { openQueues, type Queues } from '#schema/queue.ts'
import { rowsOf } from '#schema/rows.ts'
import { withDatabase } from './withDatabase.ts'

/** `modelcommons jobs`: what an operator does with the jobs of the workers. */

export interface SelectionOptions {
  status?: string[]
  kind?: string[]
  code?: string
  limit: number
}

const withQueues = <T>(work: (context: { db: Database; queues: Queues }) => Promise<T>): Promise<T> => {
  const config = readConfig(process.env, { requireDeployment: false })
  return withDatabase(config, async (db) => {
    const queues = await openQueues({ ...config, databaseUrl: db.url })
    try {
      return await work({ db, queues })
    } finally {
      await queues.close()
    }
  })
}

/** Prints the newest jobs of the selection, one on a line. */
export async function listJobs({ status, kind, code, limit }: SelectionOptions): Promise<void> {
  const jobs = await withDatabase(readConfig(process.env, { requireDeployment: false }), (db) =>
    rowsOf(
      db,
      JobRun,
      `($1::text[] is null or status = any($1)) and ($2::text[] is null or kind = any($2)) and ($3::text is null or error->>'code' = $3)`,
      [status ? statusesOf(status) : null, kind ? kindsOf(kind) : null, code ?? null],
      { orderBy: `created_at desc limit ${Number(limit)}` },
    ),
  )
  for (const job of jobs) console.log(lineOf(job))
  if (jobs.length === 0) console.log('There are no such jobs.')
}

const lineOf = ({ id, kind, status, attempt, waits, retryAt, createdAt, error }: JobRun) =>
  [
    id,
    createdAt.toISOString(),
    kind,
    status,
    `${attempt} starts`,
    ...(waits ? [`${waits} waits`] : []),
    ...(status === 'Waiting' && retryAt ? [`next ${retryAt.toISOString()}`] : []),
    ...(error ? [`${error.code}: ${error.message}`] : []),
  ].join('  ')

/** Tries the named jobs again, or those of the selection, and prints what was done with each. */
export async function retry(ids: string[], options: SelectionOptions): Promise<void> {
  if (ids.length === 0 && !options.status && !options.kind && !options.code)
    throw new ConfigError('Name the jobs, or select them with --status, --kind or --code.')
  const { retried, refused } = await withQueues((context) =>
    ids.length > 0 ? retryEach(context, ids) : retryJobs(context, selectionOf(options)),
  )
  for (const job of retried) console.log(`${job.id}  ${job.status}`)
  for (const { id, code, message } of refused) console.error(`${id}  ${code}: ${message}`)
  if (retried.length + refused.length === 0) console.log('There are no such jobs.')
  if (refused.length > 0) process.exitCode = 1
}

const selectionOf = ({ status, kind, code, limit }: SelectionOptions): JobSelection => ({
  ...(status && { statuses: statusesOf(status) }),
  kinds: kind && kindsOf(kind),
  errorCode: code,
  limit,
})

async function retryEach(context: { db: Database; queues: Queues }, ids: readonly string[]) {
  const outcome: Awaited<ReturnType<typeof retryJobs>> = { retried: [], refused: [] }
  for (const id of ids)
    try {
      outcome.retried.push(await retryJob(context, id))
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof EnqueueError)) throw error
      outcome.refused.push({ id, code: error.code, message: error.message })
    }
  return outcome
}

/** Cancels the named jobs and prints the state of each, or why it cannot be cancelled. */
export async function cancel(ids: string[]): Promise<void> {
  await withDatabase(readConfig(process.env, { requireDeployment: false }), async (db) => {
    for (const id of ids)
      try {
        const { status } = await cancelJob({ db }, id)
        console.log(`${id}  ${status === 'Running' ? 'Running: its worker was told to stop it' : status}`)
      } catch (error) {
        if (!(error instanceof EnqueueError)) throw error
        console.error(`${id}  ${error.code}: ${error.message}`)
        process.exitCode = 1
      }
  })
}

function kindsOf(names: readonly string[]): JobKind[] {
  return names.map((name) => {
    const kind = jobKinds.find((one) => one.toLowerCase() === name.toLowerCase())
    if (!kind) throw new ConfigError(`--kind: ${name} is not one of ${jobKinds.join(', ')}.`)
    return kind
  })
}

function statusesOf(names: readonly string[]): JobStatus[] {
  return names.map((name) => {
    const status = JOB_STATUS.find((one) => one.toLowerCase() === name.toLowerCase())
    if (!status) throw new ConfigError(`--status: ${name} is not one of ${JOB_STATUS.join(', ')}.`)
    return status
  })
}
