import type { GenerationRequest } from '#engine/generate/generator.ts'
import { encodePrompt } from './encode.ts'
import { type Base, generatorOf, type LoadedAdapter, loadAdapter, loadBase } from './models.ts'
import { type TaskContext, TaskError } from './task.ts'

export interface TextRequest extends Omit<GenerationRequest, 'prompt' | 'adapter'> {
  prompt: string
}

export interface GenerateInput {
  baseFolder: string
  adapterFolder?: string
  requests: readonly TextRequest[]
}

export interface Answer {
  text: string
  tokensIn: number
  tokensOut: number
  /** `stop`: the model ended; `length`: it reached `maxTokens`, or the model had no more room. */
  finish: 'stop' | 'length'
}

/** Answers prompts. The loaded model stays in memory for the next call. */
export async function generate(input: GenerateInput, context: TaskContext): Promise<{ answers: Answer[] }> {
  const base = await loadBase(input.baseFolder)
  const adapter = input.adapterFolder === undefined ? undefined : await loadAdapter(base, input.adapterFolder)
  return { answers: await answer(base, adapter, input.requests, context) }
}

/** Rows of the embedding that no token has, which many models carry, say nothing. */
const textOf = ({ tokenizer }: Base, tokens: readonly number[]): string =>
  tokenizer.decode(
    tokens.filter((id) => id < tokenizer.vocabSize),
    { skipSpecial: true },
  )

/** Rows between two reports of progress. */
const PART = 64

export async function answer(
  base: Base,
  adapter: LoadedAdapter | undefined,
  requests: readonly TextRequest[],
  { emit, signal }: TaskContext,
): Promise<Answer[]> {
  const room = base.config.max_position_embeddings
  const encoded = requests.map(({ prompt, ...request }, index) => {
    const ids = encodePrompt(base, prompt)
    if (ids.length >= room)
      throw new TaskError(
        `Request ${index}: its prompt has ${ids.length} tokens; the model reads ${room - 1}. Shorten it.`,
      )
    return { ...request, prompt: ids, maxTokens: Math.min(request.maxTokens, room - ids.length) }
  })
  const generator = generatorOf(base, adapter)
  const answers: Answer[] = []
  for (let from = 0; from < encoded.length; from += PART) {
    const part = encoded.slice(from, from + PART)
    const found = await generator.generate(part, signal)
    found.forEach(({ tokens, finish }, row) => {
      const text = textOf(base, tokens)
      answers.push({ text, tokensIn: part[row]!.prompt.length, tokensOut: tokens.length, finish })
    })
    emit({ type: 'progress', done: answers.length / encoded.length, stage: 'answering' })
  }
  return answers
}
