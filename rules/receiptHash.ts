/** Rule 14 (sealed): what a receipt signs. Its hash may be public: without the salt nobody can test a guess about prompt, answer or fees. */

import { type Hex, keccak256, stringToBytes } from 'viem'
import { type CanonicalValue, canonicalJson } from './canonicalJson.ts'

/** What a receipt says in public. */
export type ReceiptFacts = {
  id: string
  endpointId: string
  versionId: string
  channelId: string | null
  consumer: string
  tokensIn: number
  tokensOut: number
  fee: bigint
}

const hashOf = (value: CanonicalValue): Hex => keccak256(stringToBytes(canonicalJson(value)))

/** Opens prompt and answer, and nothing else of the receipt: the salt of the receipt stays with its consumer. */
export const contentSalt = (salt: Hex): Hex => keccak256(stringToBytes(`${salt}/content`))

/** Hides the sum of the channel's fees, which tells the fees of the calls before. */
export const totalHash = (salt: Hex, cumulative: bigint): Hex =>
  hashOf({ salt: keccak256(stringToBytes(`${salt}/total`)), cumulative: cumulative.toString() })

/**
 * The hash that the host signs, from what an opened receipt shows.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { contentSalt, receiptHash, totalHash } from '#rules/receiptHash.ts'
 *
 * const salt = `0x${'5a'.repeat(32)}` as const
 * const facts = { id: 'r', endpointId: '1', versionId: '1', channelId: null, consumer: '0x1', tokensIn: 2, tokensOut: 3, fee: 5n }
 * const opened = { prompt: 'Where?', answer: 'Here.', contentSalt: contentSalt(salt), totalHash: totalHash(salt, 5n) }
 * assert.notEqual(receiptHash(facts, opened), receiptHash(facts, { ...opened, contentSalt: salt }))
 * ```
 */
export function receiptHash(
  { id, endpointId, versionId, channelId, consumer, tokensIn, tokensOut, fee }: ReceiptFacts,
  opened: { prompt: string; answer: string; contentSalt: Hex; totalHash: Hex },
): Hex {
  const textHash = (text: string) => hashOf({ salt: opened.contentSalt, text })
  return hashOf({
    id,
    endpointId,
    versionId,
    channelId,
    consumer,
    tokensIn,
    tokensOut,
    fee: fee.toString(),
    promptHash: textHash(opened.prompt),
    answerHash: textHash(opened.answer),
    totalHash: opened.totalHash,
  })
}
