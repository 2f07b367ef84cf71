import { type BaseModel, embedderOf, loadAdapter, loadBase } from './models.ts'
import { refusable, type TaskContext } from './task.ts'

export interface EmbedTaskInput {
  baseFolder: string
  adapterFolder?: string
  /** Each a text, or its token ids. */
  texts: readonly (string | readonly number[])[]
}

export interface EmbeddedTexts {
  /** One vector of length 1 for each text, in order. */
  vectors: Float32Array[]
  tokensIn: number
}

/**
 * Embeds texts: the mean of the last layer's hidden states, after the last norm, over all tokens of a text, scaled to length 1. A text is encoded as it is,
 * after the tokens that the tokenizer puts before a text and without chat template. Vectors of one version compare with each other only.
 */
export async function embedTask(input: EmbedTaskInput, { emit, signal }: TaskContext): Promise<EmbeddedTexts> {
  const base = await loadBase(input.baseFolder)
  const adapter = input.adapterFolder === undefined ? undefined : await loadAdapter(base, input.adapterFolder)
  const rows = input.texts.map((text, index) => {
    const ids = refusable(`Text ${index}`, () => idsOf(base, text))
    return { ids, mask: ids.map(() => 1) }
  })
  const vectors = await embedderOf(base, adapter?.lora).embed(rows, adapter?.weights, signal)
  emit({ type: 'progress', done: 1, stage: 'embedding' })
  return { vectors: vectors.map(unit), tokensIn: rows.reduce((sum, { ids }) => sum + ids.length, 0) }
}

function idsOf({ tokenizer, config }: BaseModel, text: string | readonly number[]): number[] {
  const ids =
    typeof text === 'string'
      ? [...tokenizer.startTokens, ...tokenizer.encode(text, { parseSpecial: false })]
      : Array.from(text)
  if (ids.length === 0) throw new Error('it has no tokens; write a text.')
  const { max_position_embeddings: room, vocab_size: vocabulary } = config
  if (ids.length > room) throw new Error(`it has ${ids.length} tokens; the model can read ${room}. Shorten it.`)
  const unknown = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary))
  if (unknown !== undefined) throw new Error(`it has token ${unknown}; the vocabulary has ${vocabulary}.`)
  return ids
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return length > 0 ? vector.map((value) => value / length) : vector
}
