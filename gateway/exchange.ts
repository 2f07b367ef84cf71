import type { Request, Response } from 'express'
import type { Caller } from '#graphql/access.ts'
import type { Services } from '#graphql/context.ts'
import type { ErrorLog } from '#graphql/errors.ts'
import { type CallInput, cancelCalls, startCalls } from './calls.ts'
import { describeFailure, type ErrorBody, FailedCall } from './errors.ts'
import { EventStream, type SentEvent } from './eventStream.ts'
import { type AnswerResult, followAnswer } from './followAnswer.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { ModelList, ServedEndpoint } from './models.ts'
import { type Payment, paymentResponse } from './payment/payment.ts'
import { paidTerms } from './payment/terms.ts'
import { rateHeaders } from './rateHeaders.ts'
import { nameReceipts } from './receipts.ts'
import type { StreamedPiece } from './workerStream.ts'

export interface Gateway {
  services: Services
  models: ModelList
  metrics: GatewayMetrics
}

/** What a client has asked for: an answer, or several. */
export interface AnswerRequest {
  model: string
  inputs: readonly CallInput[]
  seed?: number
  stream: boolean
}

/** Of a question whose calls have started. */
export interface Asked {
  endpoint: ServedEndpoint
  /** Of the jobs, which are those of the receipts. */
  ids: readonly string[]
  /** In seconds since 1970. */
  created: number
}

/** The form in which one of the APIs answers. */
export interface AnswerForm {
  /** The body of a response that is not streamed. */
  whole(results: readonly AnswerResult[]): object
  /** Events before the first text of all. */
  begin(): SentEvent[]
  /** Events for a piece of one answer. */
  piece(index: number, piece: StreamedPiece): SentEvent[]
  /** Events at the end of one answer. */
  end(index: number, result: AnswerResult): SentEvent[]
  /** Events after all answers. */
  finish(results: readonly AnswerResult[]): SentEvent[]
  /** Events for an error after the first event. */
  failure(body: ErrorBody): SentEvent[]
}

/** The headers of a stream are sent with its first text; after this time without it, so that clients see that they are served. An error before is
 *  a response with its own status. */
const HEADERS_MS = 10_000

interface Started extends Asked {
  /** Whether the calls go on when the client disconnects: it has a key by which it can come back. */
  goesOn: boolean
  /** The voucher that came with the request. */
  payment?: Payment
}

/** Reserves the credit of the calls of a request and starts them.
 *  @throws GatewayError, ApiError, EnqueueError or InputError that says what is missing; then nothing was started. */
export async function startAnswers(
  { services, models }: Gateway,
  request: Request,
  response: Response,
  asked: AnswerRequest,
): Promise<Started> {
  const { caller } = response.locals as { caller: Caller }
  const { terms, endpoint } = await paidTerms({ services, models }, request, caller, asked)
  const ids = await startCalls(services, terms, endpoint, asked.inputs, asked.seed).finally(async () => {
    // A call that has started is not given up for want of these.
    response.set(await rateHeaders(services.db, terms).catch(() => ({})))
  })
  nameReceipts(response, ids)
  const { payment, idempotencyKey } = terms
  return { endpoint, ids, created: Math.floor(Date.now() / 1000), goesOn: idempotencyKey !== undefined, payment }
}

/** Starts the calls of a request and answers in the given form. */
export async function exchange(
  gateway: Gateway,
  request: Request,
  response: Response,
  asked: AnswerRequest,
  formOf: (asked: Asked) => AnswerForm,
): Promise<void> {
  const started = await startAnswers(gateway, request, response, asked)
  await answer(gateway, request, response, { ...started, stream: asked.stream, form: formOf(started) })
}

/** Whether an answer is streamed, and its form. */
type Shown = { stream: false; form: Pick<AnswerForm, 'whole'> } | { stream: boolean; form: AnswerForm }

/** Answers with calls that have started. A client that disconnects cancels them, unless they go on, and so does the end of its key.
 *  @param request without an `endpoint`, an answer that was asked for before is read again: its latency is measured no second time. */
export async function answer(
  { services, metrics }: Pick<Gateway, 'services' | 'metrics'>,
  request: Request,
  response: Response,
  {
    ids,
    goesOn,
    payment,
    endpoint,
    ...shown
  }: Pick<Started, 'ids' | 'goesOn' | 'payment'> & Partial<Pick<Started, 'endpoint'>> & Shown,
): Promise<void> {
  const began = performance.now()
  const left = new AbortController()
  const access = services.access.watch((response.locals as { caller: Caller }).caller)
  const signal = AbortSignal.any([left.signal, access.ended])
  const leave = () => {
    if (response.writableFinished) return
    left.abort(new Error('The client has disconnected.'))
    if (!goesOn)
      cancelCalls(services, ids).catch((err) =>
        services.log.error({ err, ids }, 'could not cancel the calls of a client that left'),
      )
  }
  response.once('close', leave)
  if (response.destroyed) leave()
  try {
    const answers = ids.map((id) => followAnswer(services, id, { signal, stream: shown.stream }))
    if (!shown.stream) {
      const results = await Promise.all(answers.map(drain))
      // Without the header the client signs its next request twice; the answer is paid for, and not lost for it.
      if (payment)
        await paymentResponse(services, payment, results).then(
          (header) => response.set('payment-response', header),
          (err) => services.log.error({ err, ids }, 'could not tell what is used of a channel'),
        )
      return void response.json(shown.form.whole(results))
    }
    const labels = endpoint && { route: request.route.path as string, endpoint: endpoint.id }
    await streamAnswers(response, shown.form, answers, {
      log: services.log,
      firstToken: () => labels && metrics.firstToken(labels, (performance.now() - began) / 1000),
      interval: (seconds) => labels && metrics.interval(labels, seconds),
      streams: metrics.streams,
    })
  } catch (error) {
    if (left.signal.aborted) return
    left.abort(error)
    // Those that have not failed. Of an answer that differs from what was sent, the receipt shall have the whole.
    if (!goesOn && !isDivergence(error)) await cancelCalls(services, ids)
    throw error
  } finally {
    access.stop()
  }
}

const isDivergence = (error: unknown) => error instanceof FailedCall && error.code === 'STREAM_DIVERGED'

/** Reads an answer to its end. */
async function drain(answer: ReturnType<typeof followAnswer>): Promise<AnswerResult> {
  for (;;) {
    const next = await answer.next()
    if (next.done) return next.value
  }
}

interface StreamWatch {
  log: ErrorLog
  firstToken(): void
  interval(seconds: number): void
  streams(change: 1 | -1): void
}

async function streamAnswers(
  response: Response,
  form: AnswerForm,
  answers: readonly ReturnType<typeof followAnswer>[],
  watch: StreamWatch,
): Promise<void> {
  const events = new EventStream(response)
  const opening = setTimeout(() => events.open(), HEADERS_MS)
  let begun = false
  const begin = () => {
    if (begun) return []
    begun = true
    watch.firstToken()
    return form.begin()
  }
  watch.streams(1)
  try {
    const results = await Promise.all(
      answers.map(async (answer, index) => {
        let first: number | undefined
        for (;;) {
          const next = await answer.next()
          if (next.done) {
            const { tokensOut } = next.value
            if (first !== undefined && tokensOut > 1)
              watch.interval((performance.now() - first) / 1000 / (tokensOut - 1))
            await events.send([...begin(), ...form.end(index, next.value)])
            return next.value
          }
          first ??= performance.now()
          await events.send([...begin(), ...form.piece(index, next.value)])
        }
      }),
    )
    await events.send(form.finish(results))
    events.end()
  } catch (error) {
    if (!events.isOpen || response.destroyed) throw error
    await events.send(form.failure(describeFailure(error, watch.log).body))
    events.end()
    throw error
  } finally {
    clearTimeout(opening)
    watch.streams(-1)
  }
}
