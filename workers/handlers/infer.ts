import type { GeneratedAnswer, TaskInput } from '#engine/process/index.ts'
import { fee as feeOf, maxPromptTokens } from '#rules/fee.ts'
import { chatOf } from '#schema/chatRequest.ts'
import { answerText, embeddingOf } from '#schema/embeddingRequest.ts'
import { promptOf } from '#schema/jobs.ts'
import { CreditHold } from '#schema/offchain/attribution.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { rowOf } from '#schema/rows.ts'
import { awaitHostOfCall } from '../awaitHost.ts'
import { type Dependencies, forwardProgress } from '../dependencies.ts'
import { delayCancellation, isCancelled, type JobContext, JobError, type JobHandler } from '../job.ts'
import { fetchAdapter, fetchBaseModel, loadVersion, sourcesOf } from '../modelLookup.ts'
import { recordAnswer } from '../recordAnswer.ts'
import { requireCovered } from '../requireCovered.ts'

/** Answers a call at an endpoint of this installation, by the version that it served and at the price that was quoted when the call began: an attempt after the
 *  endpoint was pointed at another version goes on with the same text. */
export const inferHandler =
  (dependencies: Dependencies): JobHandler<'infer'> =>
  async (job) => {
    const { input, db } = job
    const sources = sourcesOf(job, dependencies)
    const endpoint = await rowOf(db, Endpoint, input.endpointId)
    if (!endpoint)
      throw new JobError(
        'UNKNOWN_ENDPOINT',
        `There is no endpoint ${input.endpointId}. Query \`endpoints\` for the existing endpoints.`,
      )
    if (!(dependencies.hosts ?? [job.chain.account]).includes(endpoint.host.toLowerCase()))
      throw new JobError(
        'NOT_HOSTED_HERE',
        `Endpoint ${endpoint.id} belongs to the host ${endpoint.host}, whom these workers do not serve. Send the request to the endpoint’s own URL, ${endpoint.url}.`,
      )
    await awaitHostOfCall(db, job.id, endpoint, job.chain.account) // the host signs the receipt
    const hold = await rowOf(db, CreditHold, job.id)
    if (!hold?.open)
      throw new JobError(
        'NO_CREDIT_HELD',
        'No credit is reserved for this call. Use the mutation infer, which reserves it.',
      )
    await requireCovered(db, hold)
    const facts = await loadVersion(sources, hold.versionId ?? endpoint.versionId)
    if (facts.version.status !== 'Promoted')
      throw new JobError(
        'NOT_PROMOTED',
        `Version ${facts.version.id} does not serve: it is ${facts.version.status}. The host must point endpoint ${endpoint.id} at a promoted version.`,
      )

    const prompt = promptOf(input)
    const texts = embeddingOf(prompt)
    const model = {
      baseFolder: await fetchBaseModel(sources, facts),
      adapterFolder: await fetchAdapter(sources, facts),
    }
    const answer = texts
      ? await embed(dependencies, job, { ...model, texts })
      : await generate(dependencies, job, {
          ...model,
          requests: [
            {
              prompt: chatOf(prompt) ?? prompt,
              maxTokens: input.maxTokens,
              temperature: input.temperature,
              topP: input.topP,
              repetitionPenalty: input.repetitionPenalty,
              presencePenalty: input.presencePenalty,
              frequencyPenalty: input.frequencyPenalty,
              logitBias: input.logitBias === undefined ? undefined : JSON.parse(input.logitBias),
              stop: input.stop,
              schema: input.responseSchema === undefined ? undefined : JSON.parse(input.responseSchema),
              logProbabilities: input.topLogprobs !== undefined,
              topLogProbabilities: input.topLogprobs,
              seed: input.seed,
              // What others asked is nobody's to find out.
              cacheScope: input.consumer,
            },
          ],
          stream: true,
        })
    const { text, tokensOut } = answer
    // A template may add more to a short conversation than is reserved for it: that is not charged.
    const tokensIn = Math.min(answer.tokensIn, maxPromptTokens(prompt))
    const cachedTokens = Math.min(answer.cachedTokens ?? 0, tokensIn)
    const fee = feeOf(hold, tokensIn, tokensOut)
    const result = {
      receiptId: job.id,
      answer: text,
      tokensIn,
      tokensOut,
      fee: fee.toString(),
      finish: answer.finish,
      ...(cachedTokens > 0 && { cachedTokens }),
      ...(answer.stopped !== undefined && { stopped: answer.stopped }),
      ...(answer.tokens && { tokens: answer.tokens }),
    }
    const answered = { versionId: facts.version.id, text, tokensIn, tokensOut, fee, result }
    return {
      result,
      next: texts ? [] : [{ kind: 'attribute', key: `attribute:${job.id}`, input: { receiptId: job.id } }],
      afterRows: (sql) => recordAnswer(sql, { job, journal: dependencies.journal, hold }, answered),
    }
  }

type Unfinished = Omit<GeneratedAnswer, 'finish' | 'cachedTokens'>
type Answer = Unfinished & { finish: GeneratedAnswer['finish'] | 'cancelled'; cachedTokens?: number }

/** The time for vectors whose call was cancelled while they were computed. */
const CANCELLED_MS = 10_000

/** Embeds the texts. There is no part of it that could be charged, so that a cancellation comes too late once it has begun. */
async function embed({ engine }: Dependencies, job: JobContext<'infer'>, task: TaskInput<'embed'>): Promise<Answer> {
  job.signal.throwIfAborted()
  const options = forwardProgress(job, 0, 0.9, 'embedding')
  const signal = delayCancellation(job.signal, CANCELLED_MS)
  const { vectors, tokensIn } = await engine.run('embed', task, { ...options, signal })
  return { text: answerText(vectors), tokensIn, tokensOut: 0, finish: 'stop' }
}

/** Runs the model, and lets readers follow. A consumer who cancels the call after its first token gets and pays what was generated until then, whether
 *  he has read it or not: otherwise whoever leaves just before the end would read, or keep the model busy, for nothing. */
async function generate(
  { engine, streams }: Dependencies,
  job: JobContext<'infer'>,
  task: TaskInput<'generate'>,
): Promise<Answer> {
  const stream = streams?.open(job.id)
  const { signal, onEvent } = forwardProgress(job, 0, 0.9, 'answering')
  const partial: Unfinished = { text: '', tokensIn: 0, tokensOut: 0 }
  try {
    const { answers } = await engine.run('generate', task, {
      signal,
      onEvent(event) {
        onEvent(event)
        if (event.type !== 'text' && event.type !== 'tokens') return
        partial.tokensIn = event.tokensIn
        partial.tokensOut = event.tokensOut
        if (event.type === 'tokens') return
        stream?.push(event)
        partial.text += event.text
        if (event.tokens) (partial.tokens ??= []).push(...event.tokens)
      },
    })
    const [answer] = answers
    if (!answer) throw new Error('The engine returned no answer.')
    stream?.end()
    return answer
  } catch (error) {
    if (partial.tokensOut === 0 || !isCancelled(signal)) throw error
    return { ...partial, finish: 'cancelled' }
  } finally {
    stream?.fail() // unless it has ended
  }
}
