import { z } from 'zod'
import type { Services } from '#graphql/context.ts'
import { answeredCall } from '#graphql/resolvers/jobAnswer.ts'
import type { JobStatus } from '#schema/offchain/jobs.ts'
import { FailedCall } from './errors.ts'
import { type AnswerTokens, answerTokens, readWorkerStream, type StreamedPiece } from './workerStream.ts'

/** The result of an `infer` job. */
export const answerResult = answeredCall.extend({
  finish: z.enum(['stop', 'length', 'cancelled']),
  /** Tokens of the prompt that were known from an earlier call of the consumer: answered sooner, and charged like the others. */
  cachedTokens: z.number().default(0),
  /** The stop text that ended it. */
  stopped: z.string().optional(),
  tokens: answerTokens.optional(),
})
export type AnswerResult = z.output<typeof answerResult>

/** What is known of a call's job. */
interface FollowedJob {
  status: JobStatus
  attempt: number
  result: unknown
  error: { code: string; message: string } | null
  url: string | null
  key: string | null
}

/** A notification may be lost: the job is read at this interval, too. */
const POLL_MS = 2_000
/** A connection to a worker is renewed after this time, so that neither a lost notification nor a dead host keeps a call waiting. */
const RENEW_MS = 30_000
/** Before a worker that broke a connection off, but whose job still runs, is asked again. */
const RETRY_MS = 250

interface FollowOptions {
  signal: AbortSignal
  /** Whether the text is wanted before it is complete. */
  stream: boolean
}

type Follower = Pick<Services, 'db' | 'feed'>

/**
 * Yields the text of an answer while it is generated, and returns the result. What was answered and charged is the job's result alone: it is awaited
 * after the stream, and what the stream did not give comes from it. When the job is run again, because its worker died, the same seed gives the same text:
 * it goes on after what was yielded already.
 * @throws FailedCall when the job ends without an answer, or when a second run differs from what was yielded.
 */
export async function* followAnswer(
  services: Follower,
  jobId: string,
  { signal, stream }: FollowOptions,
): AsyncGenerator<StreamedPiece, AnswerResult, undefined> {
  const told = new ToldText(jobId)
  const watch = watchJob(services, jobId, signal)
  try {
    for (let streamed = 0; ; ) {
      signal.throwIfAborted()
      const { changed, left } = watch.next() // before the job is read, so that no change is missed
      const job = await readJob(services, jobId)
      const result = resultOf(job)
      if (result) {
        const last = told.rest(result)
        if (last) yield last
        return result
      }
      const { url, key, attempt } = job
      if (!stream || job.status !== 'Running' || !url || !key || attempt === streamed) {
        await changed()
        continue
      }
      told.restart()
      const pieces = readWorkerStream(
        { url, key },
        jobId,
        AbortSignal.any([signal, left, AbortSignal.timeout(RENEW_MS)]),
      )
      if (yield* toldPieces(pieces, told)) streamed = attempt
      else await changed(RETRY_MS)
    }
  } finally {
    watch.stop()
  }
}

/** Yields what is new of an attempt's pieces; returns whether the model has ended. */
async function* toldPieces(pieces: ReturnType<typeof readWorkerStream>, told: ToldText) {
  try {
    for (;;) {
      const next = await pieces.next()
      if (next.done) return next.value
      const fresh = told.next(next.value)
      if (fresh) yield fresh
    }
  } finally {
    await pieces.return(false)
  }
}

/** The result when the job has ended. */
function resultOf({ status, result, error }: FollowedJob): AnswerResult | undefined {
  if (status === 'Succeeded') return answerResult.parse(result)
  if (status === 'Failed') throw new FailedCall(error?.code ?? 'INTERNAL', error?.message ?? 'The call failed.')
  if (status === 'Cancelled') throw new FailedCall('CANCELLED', 'The call was cancelled; nothing is charged.')
  return undefined
}

async function readJob({ db }: Pick<Services, 'db'>, id: string): Promise<FollowedJob> {
  const { rows } = await db.query<FollowedJob>(
    `select j.status, j.attempt, j.result, j.error, w.stream_url as url, w.stream_key as key
     from job_run j left join worker_node w on w.id = j.worker_id where j.id = $1`,
    [id],
  )
  if (!rows[0]) throw new FailedCall('JOB_NOT_FOUND', `There is no call ${id}.`)
  return rows[0]
}

/** What was yielded of an answer, over all attempts of its job. */
class ToldText {
  private told = ''
  private tokens = 0
  /** Of the present attempt. */
  private seen = ''
  private seenTokens = 0

  constructor(private readonly jobId: string) {}

  restart(): void {
    this.seen = ''
    this.seenTokens = 0
  }

  /** What of a piece is new. @throws FailedCall when it differs from what was told. */
  next({ text, tokens }: StreamedPiece): StreamedPiece | undefined {
    const isAhead = this.seen.length === this.told.length
    this.seen += text
    const from = Math.max(0, this.tokens - this.seenTokens)
    this.seenTokens += tokens?.length ?? 0
    if (!isAhead) this.check(this.seen)
    if (this.seen.length <= this.told.length) return undefined
    return this.tell(this.seen, tokens?.slice(from))
  }

  /** What of the whole answer is new. @throws FailedCall when it differs from what was told. */
  rest({ answer, tokens, tokensOut }: AnswerResult): StreamedPiece | undefined {
    this.check(answer)
    const left = tokens?.slice(this.tokens, tokensOut)
    return answer.length > this.told.length || left?.length ? this.tell(answer, left) : undefined
  }

  private tell(text: string, tokens: AnswerTokens | undefined): StreamedPiece {
    const fresh = text.slice(this.told.length)
    this.told = text
    this.tokens += tokens?.length ?? 0
    return { text: fresh, ...(tokens && { tokens }) }
  }

  private check(text: string): void {
    if (text.startsWith(this.told) || this.told.startsWith(text)) return
    throw new FailedCall(
      'STREAM_DIVERGED',
      `The answer was computed again after a failure, and differs from the part that was sent. The receipt ${this.jobId} has the whole answer; it is charged once.`,
    )
  }
}

interface JobWatch {
  next(): {
    /** Resolves at the next change of the job since `next`, after `ms`, and when `signal` aborts. */
    changed(ms?: number): Promise<void>
    /** Aborts when the job leaves its present attempt. */
    left: AbortSignal
  }
  stop(): void
}

function watchJob({ feed }: Pick<Services, 'feed'>, jobId: string, signal: AbortSignal): JobWatch {
  let leave = new AbortController()
  let hasChanged = false
  let wake = () => {}
  const change = () => {
    hasChanged = true
    wake()
  }
  signal.addEventListener('abort', change)
  const off = feed.on((notification) => {
    if (notification.type !== 'job' || notification.id !== jobId) return
    if (notification.status !== 'Running') leave.abort()
    change()
  })
  return {
    next() {
      hasChanged = false
      leave = new AbortController()
      return {
        left: leave.signal,
        changed: async (ms = POLL_MS) => {
          if (hasChanged) return
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, ms)
            wake = () => {
              clearTimeout(timer)
              resolve()
            }
          })
        },
      }
    },
    stop() {
      off()
      signal.removeEventListener('abort', change)
    },
  }
}
