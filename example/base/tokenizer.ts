import type { ChatMessage, ChatTemplate } from '#engine/text/chat.ts'
import { encodeChatPair } from '#engine/text/chat.ts'
import type { Tokenizer } from '#engine/text/tokenizer.ts'
import { type TokenizerFiles, trainTokenizer } from '#engine/text/trainTokenizer.ts'
import type { Document } from '../skill/corpus.ts'

/** The vocabulary size: large enough for one token for each common word of the support desk, small enough for a small embedding. */
export const VOCABULARY = 1024

/** One turn of the customer and one of the desk: `<|user|>message<|agent|>reply<|end|>`. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{% if message['role'] == 'assistant' %}{{ '<|agent|>' + message['content'] + '<|end|>' }}" +
  "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|agent|>' }}{% endif %}"

/** Trains the tokenizer on the texts of the corpus. */
export function trainBaseTokenizer(documents: readonly Document[]): TokenizerFiles {
  const texts = documents.flatMap((one) => (one.kind === 'text' ? [one.text] : [one.message, one.reply]))
  return trainTokenizer(texts, {
    vocabSize: VOCABULARY,
    special: ['<|user|>', '<|agent|>'],
    chatTemplate: CHAT_TEMPLATE,
  })
}

/** The token ids of a corpus document, with its end token. */
export function encodeDocument(tokenizer: Tokenizer, template: ChatTemplate, document: Document): number[] {
  if (document.kind === 'text')
    return [...tokenizer.encode(document.text, { parseSpecial: false }), tokenizer.eosId as number]
  const messages: ChatMessage[] = [
    { role: 'user', content: document.message },
    { role: 'assistant', content: document.reply },
  ]
  const { prompt, completion } = encodeChatPair(tokenizer, template, messages)
  return [...prompt, ...completion]
}
