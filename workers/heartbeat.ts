import type { Logger } from 'pino'
import type { Database } from '#schema/database.ts'
import { beat, type Claim, ClaimLost, type Point, pointId, savePoints } from './jobState.ts'
import { PointsFile } from './metricsFile.ts'

/** A running job's signs of life. What the job reports is kept here and written a few times a second at most. */
export interface Pulse {
  report(progress: number, stage: string): void
  metric(name: string, step: number, value: number): void
  /** Keeps the points in `folder` from now on, and reports again those that an earlier attempt left there. */
  keep(folder: string): void
  /** Writes what is left and falls silent. */
  stop(): Promise<void>
}

export interface PulseOptions {
  db: Database
  claim: Claim
  log: Logger
  /** Between two signs of life of a job that reports nothing. */
  heartbeatMs: number
  /** Between two writes of one that reports much. */
  writeMs: number
  /** The claim is lost, or someone asked to cancel. May be called more than once. */
  onEnd: (why: 'superseded' | 'cancelled') => void
}

export function startPulse({ db, claim, log, heartbeatMs, writeMs, onEnd }: PulseOptions): Pulse {
  let state: { progress: number; stage: string } | undefined
  let points = new Map<string, Point>()
  let written = Date.now()
  let writing: Promise<void> | undefined
  let lost = false
  let file: PointsFile | undefined

  const write = async () => {
    const [now, batch] = [state, points]
    state = undefined
    points = new Map()
    written = Date.now()
    try {
      if (batch.size) await savePoints(db, claim, [...batch.values()])
      const { cancelRequested } = await beat(db, claim, now)
      if (cancelRequested) onEnd('cancelled')
    } catch (error) {
      if (error instanceof ClaimLost) {
        lost = true
        onEnd('superseded')
        return
      }
      // The database is away: keep what was to be written. When it stays away, another worker takes the job over.
      state ??= now
      points = new Map([...batch, ...points])
      log.warn({ err: error }, 'could not show life')
    }
  }
  const flush = () => {
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }
  const append = (some: Iterable<Point>) => {
    try {
      file?.append(some)
    } catch (error) {
      log.warn({ err: error }, 'points are not kept beside the checkpoints')
    }
  }
  const timer = setInterval(() => {
    if (lost) return
    if (state || points.size || Date.now() - written >= heartbeatMs) void flush()
  }, writeMs)
  timer.unref()

  return {
    report(progress, stage) {
      state = { progress: Math.min(1, Math.max(0, Number.isFinite(progress) ? progress : 0)), stage }
    },
    metric(name, step, value) {
      if (!Number.isFinite(value))
        return log.warn({ metric: name, step, value: String(value) }, 'not a number: left out')
      const point = { name, step, value }
      points.set(pointId(claim.id, point), point)
      append([point])
    },
    keep(folder) {
      if (file) return
      file = new PointsFile(folder)
      const reported = points
      points = new Map([...file.read().map((point) => [pointId(claim.id, point), point] as const), ...reported])
      append(reported.values())
    },
    async stop() {
      clearInterval(timer)
      await writing
      if (!lost && (state || points.size)) await flush()
    },
  }
}
