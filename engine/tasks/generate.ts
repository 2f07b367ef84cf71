import { setMaxListeners } from 'node:events'
import type { Finish, Sampling } from '#engine/generate/request.ts'
import { streamText, type TextRequest } from '#engine/generate/text.ts'
import { encodePrompt, type Prompt } from './encode.ts'
import { type BaseModel, generatorOf, grammarOf, type LoadedAdapter, loadAdapter, loadBase } from './models.ts'
import { type AnswerToken, refusable, type TaskContext, TaskError } from './task.ts'

export interface PromptRequest extends Sampling {
  prompt: Prompt
  /** Stop strings: the answer ends before the first one. */
  stop?: readonly string[]
  /** A JSON Schema that the answer satisfies unless it is cut; see `engine/grammar/jsonGrammar.ts`. */
  schema?: unknown
  /** Whether to report each token with its log-probability; implied by `topLogProbabilities` above 0. */
  logProbabilities?: boolean
  /** See `GenerationRequest.cacheScope`. */
  cacheScope?: string
}

export interface GenerateTaskInput {
  baseFolder: string
  adapterFolder?: string
  requests: readonly PromptRequest[]
  /** Whether to stream the text as events of the types `text` and `tokens`. */
  stream?: boolean
}

export interface GeneratedAnswer {
  text: string
  tokensIn: number
  tokensOut: number
  /** Tokens of the prompt that were known from an earlier text, and not read again. */
  cachedTokens: number
  /** `stop`: an end token, a stop string, or a complete text of the schema; `length`: the answer was cut. */
  finish: Finish
  /** The stop string that ended the answer. */
  stopped?: string
  tokens?: AnswerToken[]
}

/** Answers prompts. The loaded model stays in memory for the next call, and concurrent calls share its batch. */
export async function generateTask(
  input: GenerateTaskInput,
  context: TaskContext,
): Promise<{ answers: GeneratedAnswer[] }> {
  const base = await loadBase(input.baseFolder)
  const adapter = input.adapterFolder === undefined ? undefined : await loadAdapter(base, input.adapterFolder)
  return { answers: await answerPrompts(base, adapter, input.requests, context, input.stream) }
}

/** Answers prompts with a loaded model, in order. */
export async function answerPrompts(
  base: BaseModel,
  adapter: LoadedAdapter | undefined,
  questions: readonly PromptRequest[],
  { emit, signal }: TaskContext,
  stream = false,
): Promise<GeneratedAnswer[]> {
  const requests = questions.map((question, index) => ({
    question,
    request: requestOf(base, adapter, question, index),
  }))
  const generator = generatorOf(base, adapter?.lora)
  const others = new AbortController() // when one request fails, the others end
  const either = AbortSignal.any([signal, others.signal])
  setMaxListeners(0, either)
  let done = 0
  const answerOne = async (
    { question, request }: { question: PromptRequest; request: TextRequest },
    index: number,
  ): Promise<GeneratedAnswer> => {
    const found: GeneratedAnswer = {
      text: '',
      tokensIn: request.prompt.length,
      tokensOut: 0,
      cachedTokens: 0,
      finish: 'length',
    }
    const { logProbabilities, topLogProbabilities = 0 } = question
    if (logProbabilities || topLogProbabilities > 0) found.tokens = []
    let untold = 0
    for await (const piece of streamText(generator, base.tokenizer, request, either)) {
      const { token, top, tokens, cachedTokens, finish, stopped } = piece
      const text = storable(piece.text)
      found.text += text
      found.tokensOut = tokens
      found.cachedTokens = cachedTokens
      found.tokens?.push({ token: spelled(token), ...(top && { top: top.map(spelled) }) })
      if (finish) found.finish = finish
      if (stopped !== undefined) found.stopped = stopped
      if (!stream) continue
      const { tokensIn, tokensOut } = found
      if (text === '') {
        emit({ type: 'tokens', request: index, tokensIn, tokensOut })
        continue
      }
      emit({ type: 'text', request: index, text, tokensIn, tokensOut, ...newTokens(found.tokens, untold) })
      untold = found.tokens?.length ?? 0
    }
    emit({ type: 'progress', done: ++done / questions.length, stage: 'answering' })
    return found
  }
  try {
    return await Promise.all(requests.map(answerOne))
  } finally {
    others.abort()
  }
}

/** A model may answer with U+0000, which databases do not take in a text. */
const storable = (text: string) => text.replaceAll('\0', '\ufffd')
const spelled = <T extends { text: string }>(token: T): T => ({ ...token, text: storable(token.text) })

const newTokens = (tokens: readonly AnswerToken[] | undefined, from: number) => tokens && { tokens: tokens.slice(from) }

function requestOf(
  base: BaseModel,
  adapter: LoadedAdapter | undefined,
  question: PromptRequest,
  index: number,
): TextRequest {
  const { prompt, schema, logProbabilities: _, ...request } = question
  const room = base.config.max_position_embeddings
  const ids = refusable(`Request ${index}`, () => encodePrompt(base, prompt))
  if (ids.length >= room)
    throw new TaskError(
      `Request ${index}: its prompt has ${ids.length} tokens; the model can read ${room - 1}. Shorten it.`,
    )
  const maxTokens = Math.min(request.maxTokens, room - ids.length)
  return {
    ...request,
    prompt: ids,
    maxTokens,
    adapter: adapter?.weights,
    ...(schema !== undefined && { grammar: refusable(`Request ${index}`, () => grammarOf(base, schema)) }),
  }
}
