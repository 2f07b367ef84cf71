import type { Lane } from '#schema/jobs.ts'
import type { Notification } from '#schema/notifications.ts'
import type { SlotSemaphore } from '#schema/slotSemaphore.ts'
import type { JobRunner } from './runner.ts'

/** Starts jobs as soon as their rows are committed and slots are free: a worker that hears of a job, or whose slot becomes free while jobs
 *  wait, claims the next jobs of the lane from `job_run`, as many as it has slots for, in one statement. A claim has one winner. So it does no
 *  harm when every worker hears a notification; when none does, the queue wakes one (`schema/backlog.ts`). */
export interface DirectStart {
  /** From now on takes slots of this lane. */
  add(lane: Lane, slots: SlotSemaphore): void
  hear(notification: Notification): void
  /** Jobs of the lane may wait of which this worker has not heard. */
  wake(lane: Lane): void
  /** Starts nothing more; resolves when no claim is under way. */
  stop(): Promise<void>
}

/** A worker whose slots are almost all in use lets the others try for this time. */
const BUSY_MS = 4
/** The longest time that a worker waits after it lost claims of a lane to others. */
const MAX_BACKOFF_MS = 4
/** The time until a claim that failed, because the database did not answer, is tried again. */
const RETRY_MS = 500
/** Beyond it a worker only knows that more jobs wait. */
const MAX_HEARD = 1_000

export function createDirectStart(startNext: JobRunner['startNext']): DirectStart {
  const lanes = new Map<Lane, LaneStarts>()
  return {
    add(lane, slots) {
      const starts = new LaneStarts(slots, (count) => startNext(lane, count))
      lanes.set(lane, starts)
      starts.wake()
    },
    hear(notification) {
      if (notification.type !== 'job') return
      const { id, status, lane } = notification
      if (status !== 'Queued') for (const starts of lanes.values()) starts.forget(id)
      else if (lane) lanes.get(lane)?.hear(id)
    },
    wake: (lane) => lanes.get(lane)?.wake(),
    stop: async () => void (await Promise.all([...lanes.values()].map((starts) => starts.stop()))),
  }
}

/** The jobs of one lane that this worker will try to claim. */
class LaneStarts {
  /** Jobs that wait, and when this worker heard of each, oldest first. */
  private readonly heard = new Map<string, number>()
  /** Whether jobs may wait of which this worker has not heard: the last claim took as many as it asked for. */
  private more = false
  /** It grows when other workers were faster and is zero after a won claim: among many idle workers few try at once, and a worker that is alone
   *  never waits. */
  private backoffMs = 0
  /** After a claim that failed, when the next may begin. */
  private retryAt = 0
  private timer: NodeJS.Timeout | undefined
  private claiming: Promise<void> | undefined
  private stopped = false

  constructor(
    private readonly slots: SlotSemaphore,
    private readonly start: (count: number) => ReturnType<JobRunner['startNext']>,
  ) {
    slots.onFree = () => this.schedule()
  }

  hear(id: string): void {
    if (this.heard.size >= MAX_HEARD) this.more = true
    else if (!this.heard.has(id)) this.heard.set(id, performance.now())
    this.schedule()
  }

  forget(id: string): void {
    this.heard.delete(id)
  }

  wake(): void {
    this.more = true
    this.schedule()
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.claiming
  }

  private schedule(): void {
    if (this.stopped || this.claiming || this.timer || this.slots.free === 0) return
    const delayMs = this.delayMs()
    if (delayMs === undefined) return
    if (delayMs < 1) {
      this.claiming = this.claim().finally(() => {
        this.claiming = undefined
        this.schedule()
      })
      return
    }
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.schedule()
    }, delayMs)
  }

  /** How long other workers may try first; undefined when no job is known to wait. */
  private delayMs(): number | undefined {
    if (this.more) return this.retryAt - performance.now()
    const [oldest] = this.heard.values()
    if (oldest === undefined) return undefined
    const { free, count } = this.slots
    const untilMs = BUSY_MS * (1 - free / count) + this.backoffMs * (0.5 + Math.random() / 2)
    return oldest + untilMs - performance.now()
  }

  private async claim(): Promise<void> {
    while (!this.stopped && (this.more || this.heard.size > 0)) {
      const count = this.takeSlots()
      if (count === 0) return
      const known = [...this.heard.keys()]
      this.more = false
      const started = await this.start(count)
      const running = started ?? []
      for (const done of running) void done.finally(() => this.slots.release())
      for (let unused = count - running.length; unused > 0; unused--) this.slots.release()
      if (!started) {
        this.more = true
        this.retryAt = performance.now() + RETRY_MS
        return
      }
      if (running.length === count) this.more = true
      else for (const id of known) this.heard.delete(id) // none of them waits any more
      this.backoffMs = running.length > 0 ? 0 : Math.min(MAX_BACKOFF_MS, 2 * this.backoffMs || 1)
      if (running.length === 0) return
    }
  }

  /** Of a worker that has most of its slots free, takes half, so that other workers share a burst. */
  private takeSlots(): number {
    const { free, count } = this.slots
    const wanted = free > count / 2 ? Math.ceil(free / 2) : free
    let taken = 0
    while (taken < wanted && this.slots.tryAcquire()) taken++
    return taken
  }
}
