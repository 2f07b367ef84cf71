import type { Heartbeat } from './heartbeat.ts'

/** Notices that a running job makes no progress. A heartbeat of its worker is none, and neither is a report that repeats the last one. */
export interface ProgressWatch {
  /** Counts as progress: something was done that nothing else shows. */
  made(): void
  /** The heartbeat, whose reports and metrics count as progress. */
  watched(heartbeat: Heartbeat): Heartbeat
  stop(): void
}

/** Calls `onStall` once when nothing happened for `stallMs`; never when that is undefined. */
export function watchProgress(stallMs: number | undefined, onStall: (reason: string) => void): ProgressWatch {
  let stage = ''
  let last = performance.now()
  let reported: string | undefined
  const made = () => {
    last = performance.now()
  }
  const timer =
    stallMs === undefined ? undefined : setInterval(check, Math.max(10, Math.min(stallMs / 10, 5_000))).unref()
  function check() {
    if (stallMs === undefined || performance.now() - last < stallMs) return
    clearInterval(timer)
    onStall(
      `The job made no progress for ${duration(stallMs)}${stage && ` in the stage "${stage}"`}; this attempt was ended.`,
    )
  }
  return {
    made,
    watched: (heartbeat) => ({
      ...heartbeat,
      report(progress, text) {
        if (reported !== `${progress} ${text}`) made()
        reported = `${progress} ${text}`
        stage = text
        heartbeat.report(progress, text)
      },
      metric(name, step, value) {
        made()
        heartbeat.metric(name, step, value)
      },
    }),
    stop: () => clearInterval(timer),
  }
}

const duration = (ms: number) => (ms < 60_000 ? `${ms / 1000} s` : `${Math.round(ms / 60_000)} minutes`)
