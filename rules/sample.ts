/** Rule 3 (quality): the canonical form of a sample, its hash, and the commitment to a batch. */

import { encodeAbiParameters, type Hex, keccak256, stringToBytes } from 'viem'
import { canonicalJson } from './canonicalJson.ts'

/** A prompt with its completion: a training example or an evaluation item. */
export type PromptCompletion = { prompt: string; completion: string }

/** Longest prompt or completion, in UTF-16 code units. */
export const MAX_SAMPLE_LENGTH = 32_768

/** The most bytes of a sample: more than two texts of that length take as JSON. */
export const MAX_SAMPLE_BYTES = 1_048_576

/** A sample that cannot be read. The message tells the contributor what to correct. */
export class SampleError extends Error {}

/**
 * Reads a sample from its JSON text into canonical form: NFC, line ends as `\n`, no white space at the ends of lines or of the text. The order
 * of keys and insignificant white space do not matter.
 * @throws SampleError with what to correct.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { contentHash, parseSample } from '#rules/sample.ts'
 *
 * const one = parseSample('{"prompt": "Hello", "completion": "Hi "}')
 * assert.deepEqual(one, { prompt: 'Hello', completion: 'Hi' })
 * assert.equal(contentHash(one), contentHash(parseSample('{"completion":"Hi","prompt":"Hello\\n"}')))
 * ```
 */
export function parseSample(text: string): PromptCompletion {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SampleError('Not JSON. Send {"prompt": "...", "completion": "..."}.', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SampleError('Not a JSON object. Send {"prompt": "...", "completion": "..."}.')
  const extra = Object.keys(value).filter((key) => key !== 'prompt' && key !== 'completion')
  if (extra.length > 0) throw new SampleError(`Unknown field "${extra[0]}". Send only "prompt" and "completion".`)
  const { prompt, completion } = value as Record<string, unknown>
  return { prompt: canonicalText('prompt', prompt), completion: canonicalText('completion', completion) }
}

/** The canonical bytes of a sample, as text: its content hash and its training use exactly these. */
export function canonicalSample(sample: PromptCompletion): string {
  return canonicalJson({ prompt: sample.prompt, completion: sample.completion })
}

/** keccak256 of the canonical bytes: the sample's name on chain and in the artifact store. */
export function contentHash(sample: PromptCompletion): Hex {
  return keccak256(stringToBytes(canonicalSample(sample)))
}

/** The hash of a batch: keccak256 of its content hashes, packed in order. */
export function contentsHash(hashes: readonly Hex[]): Hex {
  return keccak256(`0x${hashes.map((hash) => hash.slice(2)).join('')}`)
}

/**
 * The commitment to a batch, published before its content. It binds the datanet, the contributor and the content; the salt hides content
 * that could be guessed.
 * @oracle DatanetRegistry.submit
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { commitment, contentHash, contentsHash } from '#rules/sample.ts'
 *
 * const batch = contentsHash([contentHash({ prompt: 'Hello', completion: 'Hi' })])
 * const hidden = { datanetId: 1n, contributor: `0x${'11'.repeat(20)}`, contentsHash: batch } as const
 * assert.notEqual(
 *   commitment({ ...hidden, salt: `0x${'01'.repeat(32)}` }),
 *   commitment({ ...hidden, salt: `0x${'02'.repeat(32)}` }),
 * )
 * ```
 */
export function commitment(input: { datanetId: bigint; contributor: Hex; contentsHash: Hex; salt: Hex }): Hex {
  const types = [{ type: 'uint256' }, { type: 'address' }, { type: 'bytes32' }, { type: 'bytes32' }] as const
  return keccak256(encodeAbiParameters(types, [input.datanetId, input.contributor, input.contentsHash, input.salt]))
}

function canonicalText(field: string, value: unknown): string {
  if (typeof value !== 'string') throw new SampleError(`"${field}" must be a string.`)
  if (value.length > MAX_SAMPLE_LENGTH)
    throw new SampleError(`"${field}" has ${value.length} characters; at most ${MAX_SAMPLE_LENGTH} are allowed.`)
  if (/\p{Surrogate}/u.test(value))
    throw new SampleError(`"${field}" contains half a surrogate pair, which is not valid Unicode.`)
  const text = value
    .normalize('NFC')
    .replace(/\r\n?|\u2028|\u2029/g, '\n')
    .replace(/[^\S\n]+$/gm, '')
    .trim()
  if (/[^\P{Cc}\n\t]/u.test(text)) throw new SampleError(`"${field}" contains control characters. Remove them.`)
  if (text === '') throw new SampleError(`"${field}" is empty.`)
  return text
}
