import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import type { Queues } from '#schema/queue.ts'
import type { ChainClient } from './chain.ts'
import type { WaitCode } from './failures.ts'

/** The delays of jobs that wait for a service grow to minutes. A worker whose job waits for one asks the service until it answers. When it did not
 *  answer and now does, all jobs that wait for it are due. A service that answers while jobs fail at it makes none due: their delays grow. */
export interface ServiceWatch {
  /** A job of this worker waits for this reason. */
  waits(code: string): void
  /** A worker that starts asks the services that jobs wait for: it does not know since when they have answered. */
  resume(): Promise<void>
  /** Asks each service for which jobs wait, once. */
  check(): Promise<void>
}

interface Services {
  artifacts: Pick<ArtifactStore, 'has'>
  chain: Pick<ChainClient, 'client' | 'transactionsLeft'>
  queues: Pick<Queues, 'ping'>
}

const PROBE_TIMEOUT_MS = 5_000
/** Jobs become due within this time, not all at once. */
const JITTER_MS = 1_000
/** Shortest time between two wakes for one reason. It doubles while jobs soon wait again: the service comes and goes, or answers the probe only. */
const WAKE_MS = 10_000
const MAX_WAKE_MS = 300_000
const NO_ARTIFACT = `0x${'0'.repeat(64)}`

/** Calls that succeed when the service behind a reason can be used. Reasons without one are no service, or have no cheap call. */
const PROBES: Partial<Record<string, (services: Services) => Promise<unknown>>> = {
  ARTIFACT_STORE: ({ artifacts }) => artifacts.has(NO_ARTIFACT),
  CHAIN: ({ chain }) => chain.client.getBlockNumber({ cacheTime: 0 }),
  async CHAIN_FUNDS({ chain }) {
    if ((await chain.transactionsLeft()) < 1) throw new Error('The account cannot pay for a transaction.')
  },
  QUEUE: ({ queues }) => queues.ping(),
} satisfies Partial<Record<WaitCode, (services: Services) => Promise<unknown>>>

export interface ServiceWatchOptions extends Services {
  db: Sql
  log: Logger
  /** A monotonic clock in milliseconds. */
  now?(): number
}

export function watchServices(options: ServiceWatchOptions): ServiceWatch {
  const { db, log, now = () => performance.now() } = options
  /** The services to ask, and whether each has failed to answer. */
  const asked = new Map<string, { failed: boolean }>()
  const wakes = new Map<string, { at: number; pauseMs: number }>()

  async function ask(code: string, state: { failed: boolean }) {
    if (!(await answers(async () => PROBES[code]?.(options)))) {
      asked.set(code, { failed: true })
      return
    }
    if (state.failed) {
      const at = now()
      const last = wakes.get(code)
      if (last && at < last.at + last.pauseMs) return
      const jobs = await wakeJobs(db, code)
      const isSoon = last && at < last.at + 2 * last.pauseMs
      wakes.set(code, { at, pauseMs: isSoon ? Math.min(MAX_WAKE_MS, 2 * last.pauseMs) : WAKE_MS })
      log.info({ reason: code, jobs }, 'a service answers again: the jobs that wait for it are tried now')
    }
    if (asked.get(code) === state) asked.delete(code)
  }

  return {
    waits(code) {
      if (PROBES[code]) asked.set(code, { failed: asked.get(code)?.failed ?? false })
    },
    async resume() {
      const { rows } = await db.query<{ code: string }>(
        `select distinct error->>'code' as code from job_run where status = 'Waiting'`,
      )
      for (const { code } of rows) if (PROBES[code]) asked.set(code, { failed: true })
    },
    check: async () => void (await Promise.all([...asked].map(([code, state]) => ask(code, state)))),
  }
}

async function answers(call: () => Promise<unknown>): Promise<boolean> {
  const waiting = new AbortController()
  const late = sleep(PROBE_TIMEOUT_MS, false, { signal: waiting.signal }).catch(() => false)
  const answered = call().then(
    () => true,
    () => false,
  )
  return Promise.race([answered, late]).finally(() => waiting.abort())
}

/** Makes the jobs that wait for this reason due; returns how many. A wait that is cut short does not count: a service that comes and goes must not
 *  use up the waits of a job. */
async function wakeJobs(db: Sql, code: string): Promise<number> {
  const { rowCount } = await db.query(
    `update job_run set retry_at = clock_timestamp() + random() * $2 * interval '1 millisecond', waits = greatest(0, waits - 1),
       waits_by_reason = waits_by_reason || jsonb_build_object($1::text, greatest(0, (waits_by_reason->>$1)::int - 1))
     where id in (
       select id from job_run where status = 'Waiting' and error->>'code' = $1
         and retry_at > clock_timestamp() + $2 * interval '1 millisecond' for update skip locked)`,
    [code, JITTER_MS],
  )
  return rowCount ?? 0
}
