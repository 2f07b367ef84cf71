import type { Sql } from './database.ts'
import type { Lane } from './jobs.ts'
import type { QueueEntry, Queues } from './queue.ts'

/** The queue tells of the backlog. A worker that hears of a new job, or has a slot that becomes free, takes the next jobs of the lane from `job_run`
 *  (`workers/directStart.ts`). The queue is for workers that did not hear: a moment after a job was committed, and when some of its lane still wait, one
 *  entry for the lane wakes a worker, however many wait. */

interface Context {
  db: Sql
  queues: Pick<Queues, 'add'>
}

/** The time in which a job may start without an entry. */
const BACKLOG_MS = 100
/** Entries in memory while the queue does not answer; beyond it they are left to the workers' sweep. */
const MAX_ENTRIES = 10_000

/** The entries that wait to be added to a queue, and the run of `flush` that will add them. */
interface Backlog {
  entries: QueueEntry[]
  done: Promise<void> | undefined
}
const backlogs = new WeakMap<Context['queues'], Backlog>()

const backlogOf = (queues: Context['queues']): Backlog => {
  const known = backlogs.get(queues)
  if (known) return known
  const made: Backlog = { entries: [], done: undefined }
  backlogs.set(queues, made)
  return made
}

/** Wakes a worker for each lane in a moment, when jobs of these entries have not started by then. Call it after the commit of their rows. It never
 *  fails: the workers' sweep adds what does not get there. */
export function addToBacklog(context: Context, entries: readonly QueueEntry[]): void {
  if (entries.length === 0) return
  const backlog = backlogOf(context.queues)
  const room = MAX_ENTRIES - backlog.entries.length
  backlog.entries.push(...entries.slice(0, room))
  backlog.done ??= flush(context, backlog)
}

/** The entries that wake a worker for each of these jobs that wait: the first of each lane. */
export function wakeUps(entries: readonly QueueEntry[]): QueueEntry[] {
  const first = new Map<Lane, QueueEntry>()
  for (const entry of entries) if (!first.has(entry.lane)) first.set(entry.lane, { ...entry, wakes: true })
  return [...first.values()]
}

/** Resolves when the queue has everything that `addToBacklog` was given. */
export const backlogAdded = async (queues: Context['queues']): Promise<void> => backlogOf(queues).done

async function flush({ db, queues }: Context, backlog: Backlog): Promise<void> {
  do {
    await new Promise((resolve) => setTimeout(resolve, BACKLOG_MS))
    const entries = backlog.entries.splice(0)
    try {
      const left = await stillQueued(db, entries)
      if (left.length > 0) await queues.add(wakeUps(left))
    } catch {} // the sweep adds them
  } while (backlog.entries.length > 0)
  backlog.done = undefined
}

async function stillQueued(db: Sql, entries: readonly QueueEntry[]): Promise<QueueEntry[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'still queued',
    text: `select id from job_run where id = any($1) and status = 'Queued'`,
    values: [entries.map(({ id }) => id)],
  })
  const queued = new Set(rows.map(({ id }) => id))
  return entries.filter(({ id }) => queued.has(id))
}
