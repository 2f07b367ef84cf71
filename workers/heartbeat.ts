import type { Logger } from 'pino'
import type { Database } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import {
  type Claim,
  ClaimLostError,
  type MetricPoint,
  metricPointId,
  saveMetricPoints,
  writeHeartbeat,
} from './jobState.ts'
import { MetricsFile } from './metricsFile.ts'

/** The heartbeat of a running job. It keeps what the job reports and writes it at most a few times a second. */
export interface Heartbeat {
  report(progress: number, stage: string): void
  metric(name: string, step: number, value: number): void
  /** From now on also writes the metric points to a file in `folder`, and reports again the points that an earlier attempt left there. */
  persistTo(folder: string): void
  /** Resolves when all metric points until now are in the database. @throws Error when they could not be written. */
  flushMetrics(): Promise<void>
  /** Writes what is left and ends the heartbeat. */
  stop(): Promise<void>
}

export interface HeartbeatOptions {
  db: Database
  claim: Claim
  log: Logger
  /** Time between two heartbeats of a job that reports nothing. */
  heartbeatMs: number
  /** Shortest time between two writes of a job that reports often. */
  writeMs: number
  /** The claim counts as lost after this time without a heartbeat that arrived: then another worker may take the job over. */
  staleMs: number
  /** Called when the claim is lost or the job is cancelled. It may be called more than once. */
  onInterrupt: (reason: 'superseded' | 'partitioned' | 'cancelled') => void
}

export function startHeartbeat({
  db,
  claim,
  log,
  heartbeatMs,
  writeMs,
  staleMs,
  onInterrupt,
}: HeartbeatOptions): Heartbeat {
  let state: { progress: number; stage: string } | undefined
  let points = new Map<string, MetricPoint>()
  /** On the monotonic clock: when the last write, and the last write that arrived, began. */
  let written = performance.now()
  let arrived = written
  let writing: Promise<boolean> | undefined
  let lost = false
  let stopped = false
  let becomeGone = () => {}
  const gone = new Promise<void>((resolve) => {
    becomeGone = resolve
  })
  let file: MetricsFile | undefined

  /** Writes all that was reported until now; returns whether it arrived. */
  const write = async (): Promise<boolean> => {
    const [now, batch] = [state, points]
    state = undefined
    points = new Map()
    written = performance.now()
    const begin = written
    try {
      if (batch.size) await saveMetricPoints(db, claim, [...batch.values()])
      const { cancelRequested } = await writeHeartbeat(db, claim, now)
      arrived = begin
      if (cancelRequested) onInterrupt('cancelled')
      return true
    } catch (error) {
      if (error instanceof ClaimLostError) {
        lost = true
        onInterrupt('superseded')
        return false
      }
      // The database does not answer: keep what was not written. If it stays away, another worker takes the job over.
      state ??= now
      points = new Map([...batch, ...points])
      log.warn({ err: error }, 'could not write the heartbeat')
      return false
    }
  }
  const flush = () => {
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }
  const append = (some: Iterable<MetricPoint>) => {
    try {
      file?.append(some)
    } catch (error) {
      log.warn({ err: error }, 'could not write metric points beside the checkpoints')
    }
  }
  const timer = setInterval(() => {
    if (lost) return
    if (performance.now() - arrived > staleMs) {
      // The database was not reached, or this process was frozen.
      lost = true
      becomeGone()
      log.warn('no heartbeat has arrived for too long: the attempt ends, because another worker may have the job')
      return onInterrupt('partitioned')
    }
    if (!stopped && (state || points.size || performance.now() - written >= heartbeatMs)) void flush()
  }, writeMs)
  timer.unref()

  return {
    report(progress, stage) {
      state = { progress: Math.min(1, Math.max(0, Number.isFinite(progress) ? progress : 0)), stage }
    },
    metric(name, step, value) {
      if (!Number.isFinite(value))
        return log.warn(
          { metric: name, step, value: String(value) },
          'the metric is not a finite number; it is ignored',
        )
      const point = { name, step, value }
      points.set(metricPointId(claim.id, point), point)
      append([point])
    },
    persistTo(folder) {
      if (file) return
      file = new MetricsFile(folder)
      const reported = points
      points = new Map([...file.read().map((point) => [metricPointId(claim.id, point), point] as const), ...reported])
      append(reported.values())
    },
    async flushMetrics() {
      await writing // began before the newest points; a running training reports more meanwhile, which do not matter
      if (points.size && !(await flush()))
        throw new RetriableError('The metric points could not be written to the database.')
    },
    async stop() {
      stopped = true
      const finish = async () => {
        await writing
        if (!lost && (state || points.size)) await flush()
      }
      // A database that does not answer must not hold the job for longer than its claim lasts.
      await Promise.race([finish(), gone])
      clearInterval(timer)
    },
  }
}
