import type { Tokenizer } from './tokenizer.ts'

/** A text to continue and the continuation to learn; either may come as token ids, as chat templates give them. */
export type Pair = {
  prompt: string | ArrayLike<number>
  completion: string | ArrayLike<number>
  /** How much the example counts, for instance the reliability of who gave it. Default 1. */
  weight?: number
}

/** Token ids of which those from `promptLength` on are learnt. */
export type Example = {
  tokens: Int32Array
  promptLength: number
  weight: number
  /** The position of the pair it came from. */
  index: number
  /** Whether tokens were left out to fit. */
  cut: boolean
}

export type ExampleOptions = {
  /** Tokens an example may have, the end token among them. */
  maxLength: number
  /** Whether the tokenizer's end token closes each completion. Default true; false for chats, whose template ends them. */
  eos?: boolean
  /** Whether the tokenizer's beginning token opens each prompt that is text. Default: if the tokenizer has one. */
  bos?: boolean
  /** What gives way when a pair is too long. Default the beginning of the prompt, then the end of the completion. */
  overflow?: 'cut' | 'refuse'
}

/**
 * Turns pairs into examples. Prompt and completion are tokenised apart, so that the border between them is a border of
 * tokens. Every example has at least one token to learn and one before it.
 */
export function toExamples(pairs: readonly Pair[], tokenizer: Tokenizer, options: ExampleOptions): Example[] {
  const { maxLength, eos = true, overflow = 'cut', bos = tokenizer.bosId !== null } = options
  if (!Number.isInteger(maxLength) || maxLength < 2) throw new Error(`maxLength is ${maxLength}; it is at least 2.`)
  if (eos && tokenizer.eosId === null) throw new Error('The tokenizer names no eos_token. Pass eos: false.')
  if (bos && tokenizer.bosId === null) throw new Error('The tokenizer names no bos_token. Pass bos: false.')

  return pairs.map((pair, index) => {
    const { weight = 1 } = pair
    if (!(weight >= 0 && weight < Infinity)) throw new Error(`Pair ${index} has weight ${weight}; weights are ≥ 0.`)
    const opening = bos && typeof pair.prompt === 'string' ? [tokenizer.bosId!] : []
    let prompt = [...opening, ...idsOf(pair.prompt, tokenizer, `The prompt of pair ${index}`)]
    let completion = [
      ...idsOf(pair.completion, tokenizer, `The completion of pair ${index}`),
      ...(eos ? [tokenizer.eosId!] : []),
    ]
    if (completion.length === 0) throw new Error(`Pair ${index} has nothing to learn: its completion is empty.`)
    if (prompt.length === 0) {
      const start = tokenizer.bosId ?? tokenizer.eosId
      if (start === null)
        throw new Error(`Pair ${index} has an empty prompt, and the tokenizer has no token to begin with.`)
      prompt = [start]
    }
    const length = prompt.length + completion.length
    if (length > maxLength) {
      if (overflow === 'refuse') throw new Error(`Pair ${index} has ${length} tokens; at most ${maxLength} fit.`)
      completion = completion.slice(0, maxLength - 1)
      prompt = prompt.slice(-(maxLength - completion.length))
    }
    const tokens = Int32Array.from([...prompt, ...completion])
    return { tokens, promptLength: prompt.length, weight, index, cut: length > maxLength }
  })
}

function idsOf(
  part: string | ArrayLike<number>,
  tokenizer: Tokenizer,
  what: string,
): ArrayLike<number> & Iterable<number> {
  if (typeof part === 'string') return tokenizer.encode(part, { parseSpecial: false })
  const ids = Array.from(part)
  const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= tokenizer.vocabSize)
  if (bad !== undefined) throw new Error(`${what} holds ${bad}; ids run from 0 to ${tokenizer.vocabSize - 1}.`)
  return ids
}
