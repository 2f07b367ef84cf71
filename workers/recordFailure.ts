import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Database } from '#schema/database.ts'
import { jobDefinition } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import type { QueueEntry, Queues } from '#schema/queue.ts'
import { faultOf, permanentFailure, type WaitCode } from './failures.ts'
import { type Interruption, PendingError } from './job.ts'
import { ClaimLostError, endJob, type JobFailure, requeueJob, writeHeartbeat } from './jobState.ts'
import type { Timing } from './timing.ts'
import type { ServiceWatch } from './watchServices.ts'

interface Recorder {
  db: Database
  queues: Pick<Queues, 'add'>
  timing: Timing
  services: Pick<ServiceWatch, 'waits'>
}

/** Waits of a system in which nothing fails. */
const EXPECTED_WAITS: readonly string[] = ['PENDING', 'INDEX_BEHIND'] satisfies WaitCode[]

/** Delay before the second try to record; it grows to `MAX_RECORD_RETRY_MS`. */
const RECORD_RETRY_MS = 250
const MAX_RECORD_RETRY_MS = 2_000

/** Records the end of an attempt without an outcome; returns whether the job itself has ended. While the database does not answer it tries
 *  again, so that an outage of the database uses no attempt. A worker that stops leaves it to the sweep. */
export async function recordFailure(
  recorder: Recorder,
  job: JobRun,
  signal: AbortSignal,
  error: unknown,
  log: Logger,
): Promise<boolean> {
  const giveUpAt = () =>
    interruptionOf(signal)?.reason === 'stopping' ? since + recorder.timing.graceMs : Number.POSITIVE_INFINITY
  const since = performance.now()
  for (let delay = RECORD_RETRY_MS; ; delay = Math.min(MAX_RECORD_RETRY_MS, delay * 2))
    try {
      return await record(recorder, job, interruptionOf(signal), error, log)
    } catch (err) {
      if (err instanceof ClaimLostError) return false
      if (delay === RECORD_RETRY_MS) log.warn({ err }, 'could not record the end of the attempt; it is tried again')
      if (performance.now() + delay > giveUpAt()) {
        log.warn({ err }, 'could not record the end of the attempt; the sweep will')
        return false
      }
      await sleep(delay)
    }
}

const interruptionOf = (signal: AbortSignal) => (signal.aborted ? (signal.reason as Interruption) : undefined)

async function record(
  { db, queues, timing, services }: Recorder,
  job: JobRun,
  interruption: Interruption | undefined,
  error: unknown,
  log: Logger,
): Promise<boolean> {
  /** Nothing waits for the queue, which may not answer: the sweep adds what does not get there. */
  const add = (entries: QueueEntry[], delayMs?: number) => {
    queues.add(entries.map((entry) => ({ ...entry, delayMs }))).catch(() => {})
  }
  if (interruption?.reason === 'superseded' || error instanceof ClaimLostError) {
    log.warn('another attempt has taken the job over')
    return false
  }
  if (interruption?.reason === 'cancelled' || (await writeHeartbeat(db, job)).cancelRequested) {
    await endJob(db, job, 'Cancelled')
    log.info('cancelled')
    return true
  }
  const isInnocent = interruption?.reason === 'stopping' || interruption?.reason === 'partitioned'
  if (isInnocent && !permanentFailure(error)) {
    const entries = await requeueJob(db, job, { countAttempt: false })
    log.info({ reason: interruption.reason }, 'requeued; the attempt does not count')
    add(entries)
    return false
  }
  const { fault, failure } = interruption?.reason === 'stalled' ? stalled(interruption) : faultOf(error)
  if (fault === 'input') {
    await endJob(db, job, 'Failed', failure)
    log.info({ failure }, 'failed: the request is wrong')
    return true
  }
  const waits = fault === 'infrastructure'
  const waited = job.waitsByReason?.[failure.code] ?? 0
  const counted = !waits || usesAttempt(job, failure, waited)
  const maxWaits = error instanceof PendingError ? Number.POSITIVE_INFINITY : timing.maxWaits
  if (waits ? waited >= maxWaits || (counted && job.attempt >= job.attempts) : job.attempt >= job.attempts) {
    const message = waits
      ? `${failure.message} It waited ${waited} times. Mend what is named here, then try the job again (mutation retryJob).`
      : failure.message
    await endJob(db, job, 'Failed', { ...failure, message })
    log.error({ err: error }, waits ? 'failed: waited too often' : 'failed at the last attempt')
    return true
  }
  if (waits) {
    const waitMs = waitDelay(waited, timing)
    const entries = await requeueJob(db, job, { failure, waitMs, countAttempt: counted })
    services.waits(failure.code)
    const wait = { code: failure.code, waitMs, waits: waited + 1 }
    if (EXPECTED_WAITS.includes(failure.code)) log.info({ ...wait, reason: failure.message }, 'waiting for other work')
    else log.warn({ ...wait, err: error }, 'waiting; the job uses no attempt')
    add(entries, waitMs)
    return false
  }
  const delayMs = Math.min(timing.queuedMs, timing.backoffMs * 2 ** Math.min(20, job.attempt - 1))
  const entries = await requeueJob(db, job, { failure, delayMs })
  log.warn({ err: error, delayMs }, 'failed; the job will be retried')
  add(entries, delayMs)
  return false
}

const stalled = ({ message }: Interruption): { fault: 'job'; failure: JobFailure } => ({
  fault: 'job',
  failure: { code: 'STALLED', message },
})

/** A kill for memory may be the fault of the host or of the job. The first kills use no attempt; then each does, so that a job that is too
 *  large for every host ends. */
const usesAttempt = ({ kind }: JobRun, { code }: JobFailure, waited: number) =>
  code === 'MEMORY' && waited >= (jobDefinition(kind)?.attempts ?? 0)

/** Grows from `waitMs` to `maxWaitMs`, and varies by a quarter. */
function waitDelay(waited: number, { waitMs, maxWaitMs }: Timing): number {
  const nominal = Math.min(maxWaitMs, waitMs * 2 ** Math.min(30, waited))
  return Math.round(nominal * (0.75 + Math.random() / 2))
}
