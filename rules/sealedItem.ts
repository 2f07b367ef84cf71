/** Rule 14 (sealed): what the public log of an evaluation says of a sealed item. */

import { type Hex, keccak256, stringToBytes } from 'viem'
import { canonicalJson } from './canonicalJson.ts'
import type { PromptCompletion } from './sample.ts'

/** The salt of one item: it can be shown together with its item, and tells nothing about the others. `salt` is that of all items, 32 random bytes. */
export const itemSalt = (salt: string, index: number): Hex => keccak256(stringToBytes(`${salt}/${index}`))

/**
 * Commits to a sealed item. Whoever does not know its salt cannot test a guess.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { itemSalt, sealedItemHash } from '#rules/sealedItem.ts'
 *
 * const item = { prompt: 'Hello', completion: 'Hi' }
 * const [one, two] = [itemSalt('0x01', 0), itemSalt('0x01', 1)]
 * assert.notEqual(sealedItemHash(one, item), sealedItemHash(two, item))
 * ```
 */
export const sealedItemHash = (salt: Hex, { prompt, completion }: PromptCompletion): Hex =>
  keccak256(stringToBytes(canonicalJson({ salt, prompt, completion })))
