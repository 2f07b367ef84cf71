import type { Lane } from '#schema/jobs.ts'
import type { Notification } from '#schema/notifications.ts'
import type { QueueWorker } from '#schema/queue.ts'
import type { JobRunner } from './runner.ts'

/** Starts new jobs as soon as their rows are committed: a worker that hears of a job, and has a free slot and no backlog in its lane, claims
 *  the row at once. A claim has one winner, and a job that nobody claims comes through the queue. So it does no harm when a notification is
 *  lost, or when every worker hears it. */
export interface DirectStart {
  hear(notification: Notification): void
  /** Starts nothing more; resolves when no claim is under way. */
  stop(): Promise<void>
}

/** A worker whose slots are almost all in use lets the others try for this time. */
const BUSY_MS = 4
/** The longest time that a worker waits after it lost claims of a lane to others. */
const MAX_BACKOFF_MS = 4

export function createDirectStart(
  lanes: ReadonlyMap<Lane, Pick<QueueWorker, 'slots' | 'take'>>,
  start: JobRunner['start'],
): DirectStart {
  /** The jobs that this worker will try to claim. */
  const heard = new Map<string, NodeJS.Timeout>()
  /** How long each lane waits before a claim. It grows when another worker was faster and is zero after a won claim: among many idle workers
   *  few try at once, and a worker that is alone never waits. */
  const backoff = new Map<Lane, number>()
  const claims = new Set<Promise<void>>()
  let stopped = false

  const claim = async (id: string, lane: Lane) => {
    heard.delete(id)
    const release = stopped ? undefined : lanes.get(lane)?.take()
    if (!release) return
    const running = await start(id)
    const last = backoff.get(lane) ?? 0
    backoff.set(lane, running ? 0 : Math.min(MAX_BACKOFF_MS, 2 * last || 1))
    if (running) void running.done.finally(release)
    else release()
  }
  const tryClaim = (id: string, lane: Lane) => {
    const claiming = claim(id, lane).finally(() => claims.delete(claiming))
    claims.add(claiming)
  }
  return {
    hear(notification) {
      if (notification.type !== 'job' || stopped) return
      const { id, status, lane } = notification
      if (status !== 'Queued') {
        clearTimeout(heard.get(id))
        heard.delete(id)
        return
      }
      const slots = lane && lanes.get(lane)?.slots
      if (!slots || heard.has(id)) return
      const delayMs = BUSY_MS * (slots.used / slots.count) + (backoff.get(lane) ?? 0) * (0.5 + Math.random() / 2)
      if (delayMs < 1) tryClaim(id, lane)
      else heard.set(id, setTimeout(tryClaim, delayMs, id, lane))
    },
    async stop() {
      stopped = true
      for (const timer of heard.values()) clearTimeout(timer)
      heard.clear()
      await Promise.all(claims)
    },
  }
}
