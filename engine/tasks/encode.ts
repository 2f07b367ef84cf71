import type { ChatTemplate } from '#engine/text/chat.ts'
import { encodeChat, encodeChatPair } from '#engine/text/chat.ts'
import type { Tokenizer } from '#engine/text/tokenizer.ts'
import { completionRow, type TokenRow } from '#engine/train/rows.ts'
import { TaskError } from './task.ts'

/** What turns texts into tokens: a model's tokenizer, its chat template if it has one, and the token that ends a text. */
export interface PromptFormat {
  tokenizer: Tokenizer
  template?: ChatTemplate
  endId: number | null
}

export interface TextPair {
  prompt: string
  completion: string
}

/**
 * A prompt as token ids, ready to be answered: one message of the user and the opening of an answer where the model has
 * a chat template, else the plain text. No prompt can spell a special token.
 */
export function encodePrompt({ tokenizer, template, endId }: PromptFormat, prompt: string): number[] {
  if (template)
    return Array.from(
      encodeChat(tokenizer, template, [{ role: 'user', content: prompt }], { addGenerationPrompt: true }),
    )
  const opening = tokenizer.bosId === null ? [] : [tokenizer.bosId]
  const ids = [...opening, ...tokenizer.encode(prompt, { parseSpecial: false })]
  const start = ids.length > 0 ? undefined : endId
  if (start === null)
    throw new TaskError('The prompt is empty and the model has no token to begin with; write a prompt.')
  return start === undefined ? ids : [start]
}

/** A prompt and its completion with the token that ends it. */
export function encodePair(
  form: PromptFormat,
  { prompt, completion }: TextPair,
): { prompt: number[]; completion: number[] } {
  const { tokenizer, template, endId } = form
  if (template) {
    const messages = [
      { role: 'user', content: prompt },
      { role: 'assistant', content: completion },
    ]
    const pair = encodeChatPair(tokenizer, template, messages)
    return { prompt: Array.from(pair.prompt), completion: Array.from(pair.completion) }
  }
  const ids = Array.from(tokenizer.encode(completion, { parseSpecial: false }))
  const closed = endId === null ? ids : [...ids, endId]
  if (closed.length === 0)
    throw new TaskError('A completion is empty and the model has no end token; write a completion.')
  return { prompt: encodePrompt(form, prompt), completion: closed }
}

/** A pair as a row to learn from, of at most `maxLength` tokens: the prompt's beginning gives way first. */
export function encodeRow(form: PromptFormat, pair: TextPair, maxLength: number): TokenRow {
  const { prompt, completion } = encodePair(form, pair)
  const kept = completion.slice(0, maxLength - 1)
  return completionRow(prompt.slice(-(maxLength - kept.length)), kept)
}
