import type { ChatTemplate } from '#engine/text/chat.ts'
import { encodeChat, encodeChatPair } from '#engine/text/chat.ts'
import { type Conversation, conversationFor } from '#engine/text/conversation.ts'
import type { Tokenizer } from '#engine/text/tokenizer.ts'
import { completionRow, type TokenRow } from '#engine/train/rows.ts'
import { TaskError } from './task.ts'

/** How a model's texts are encoded: its tokenizer, its chat template if it has one, and its end token. */
export interface PromptFormat {
  tokenizer: Tokenizer
  template?: ChatTemplate
  endId: number | null
}

export interface TextPair {
  prompt: string
  completion: string
}

/** A text, or a conversation with the tools that the model may call. */
export type Prompt = string | Conversation

/**
 * Token ids of a prompt. With a chat template: the conversation (a text is one user message) and the start of the assistant's answer; otherwise the
 * plain text after the tokens that the tokenizer puts before a text. Text in a prompt never becomes a special token.
 */
export function encodePrompt({ tokenizer, template, endId }: PromptFormat, given: Prompt): number[] {
  if (template) {
    const { messages, variables } = conversationFor(template, given)
    return Array.from(encodeChat(tokenizer, template, messages, { addGenerationPrompt: true, variables }))
  }
  const prompt = plainText(given)
  const ids = [...tokenizer.startTokens, ...tokenizer.encode(prompt, { parseSpecial: false })]
  if (ids.length > 0) return ids
  if (endId === null) throw new TaskError('The prompt is empty and the model has no start token; write a prompt.')
  return [endId]
}

/** A conversation for a model without a chat template: it can only be one text of the user. */
function plainText(prompt: Prompt): string {
  if (typeof prompt === 'string') return prompt
  const [first, ...others] = prompt.messages
  if (first?.role === 'user' && others.length === 0 && !prompt.tools) return first.content
  throw new TaskError('The model has no chat template: it answers one text of the user, without roles and tools.')
}

/** Token ids of a prompt, and of its completion with the end token. */
export function encodePair(
  form: PromptFormat,
  { prompt: given, completion }: { prompt: Prompt; completion: string },
): { prompt: number[]; completion: number[] } {
  const { tokenizer, template, endId } = form
  if (template) {
    const { messages, variables } = conversationFor(template, given)
    const pair = encodeChatPair(
      tokenizer,
      template,
      [...messages, { role: 'assistant', content: completion }],
      variables,
    )
    return { prompt: Array.from(pair.prompt), completion: Array.from(pair.completion) }
  }
  const ids = Array.from(tokenizer.encode(completion, { parseSpecial: false }))
  const closed = endId === null ? ids : [...ids, endId]
  if (closed.length === 0)
    throw new TaskError('A completion is empty and the model has no end token; write a completion.')
  return { prompt: encodePrompt(form, given), completion: closed }
}

/** A training row of at most `maxLength` tokens. If it is too long, the start of the prompt is cut first. */
export function encodeRow(form: PromptFormat, pair: TextPair, maxLength: number): TokenRow {
  const { prompt, completion } = encodePair(form, pair)
  const kept = completion.slice(0, maxLength - 1)
  return completionRow(prompt.slice(-(maxLength - kept.length)), kept)
}
