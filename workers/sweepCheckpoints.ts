import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, checkpointOwner } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import type { JobCheckpoint, JobStatus } from '#schema/offchain/jobs.ts'

const ENDED: readonly JobStatus[] = ['Succeeded', 'Failed', 'Cancelled']

/** Deletes files of checkpoints that nobody can use any more: those of jobs that have ended, and those that an earlier attempt left without
 *  naming them in the job's row. Jobs that this database does not know are left alone: a bucket may serve several deployments. Returns
 *  the number of deleted files. */
export async function sweepCheckpoints({ db, store }: { db: Sql; store: CheckpointStore }): Promise<number> {
  // Listed before the rows are read: what an attempt writes after a later one has claimed the job is never named.
  const keysOf = new Map<string, string[]>()
  for await (const key of store.list()) {
    const owner = checkpointOwner(key)
    if (owner) keysOf.set(owner.job, [...(keysOf.get(owner.job) ?? []), key])
  }
  if (keysOf.size === 0) return 0
  const { rows } = await db.query<{ id: string; status: JobStatus; attempt: number; checkpoint: JobCheckpoint | null }>(
    'select id, status, attempt, checkpoint from job_run where id = any($1)',
    [[...keysOf.keys()]],
  )
  let deleted = 0
  for (const { id, status, attempt, checkpoint } of rows) {
    const named = new Set(Object.values(checkpoint?.files ?? {}))
    for (const key of keysOf.get(id) ?? []) {
      const writtenBy = Number.parseInt(checkpointOwner(key)?.writer ?? '', 10)
      const isStale = ENDED.includes(status) || (!named.has(key) && writtenBy < attempt)
      if (!isStale) continue
      await store.delete(key)
      deleted++
    }
  }
  return deleted
}

/** The id of the job to which an entry of the folder of checkpoints belongs. */
const jobOf = (entry: string) => /^[0-9a-f]{32}(?=$|\.)/.exec(entry)?.[0]

/** Deletes the folders of checkpoints that a worker of this host left behind when it died, once their jobs have ended elsewhere. Returns the number
 *  of deleted folders. */
export async function sweepCheckpointFolders({ db, folder }: { db: Sql; folder: string }): Promise<number> {
  const entries = (await readdir(folder).catch(() => [])).filter(jobOf)
  if (entries.length === 0) return 0
  const { rows } = await db.query<{ id: string }>('select id from job_run where id = any($1) and status = any($2)', [
    entries.map(jobOf),
    ENDED,
  ])
  const ended = new Set(rows.map(({ id }) => id))
  const left = entries.filter((entry) => ended.has(jobOf(entry) ?? ''))
  for (const entry of left) await rm(join(folder, entry), { recursive: true, force: true })
  return left.length
}
