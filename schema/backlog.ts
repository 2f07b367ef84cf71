import type { Sql } from './database.ts'
import type { QueueEntry, Queues } from './queue.ts'

/** The queue carries the backlog: a worker with a free slot starts a new job directly (`workers/directStart.ts`), and only a job that is still
 *  queued a moment later is worth an entry. */

interface Context {
  db: Sql
  queues: Pick<Queues, 'add'>
}

/** The time in which a job may start directly. */
const BACKLOG_MS = 25
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

/** Adds the entries to the queue in a moment, except those of jobs that have started by then. Call it after the commit of their rows. It never
 *  fails: the workers' sweep adds what does not get there. */
export function addToBacklog(context: Context, entries: readonly QueueEntry[]): void {
  if (entries.length === 0) return
  const backlog = backlogOf(context.queues)
  const room = MAX_ENTRIES - backlog.entries.length
  backlog.entries.push(...entries.slice(0, room))
  backlog.done ??= flush(context, backlog)
}

/** Resolves when the queue has everything that `addToBacklog` was given. */
export const backlogAdded = async (queues: Context['queues']): Promise<void> => backlogOf(queues).done

async function flush({ db, queues }: Context, backlog: Backlog): Promise<void> {
  do {
    await new Promise((resolve) => setTimeout(resolve, BACKLOG_MS))
    const entries = backlog.entries.splice(0)
    try {
      const left = await stillQueued(db, entries)
      if (left.length > 0) await queues.add(left)
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
