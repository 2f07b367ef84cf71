/** Rule 3, amendment 4b (copies): 5-grams of a text, and their containment. */

import { PPM } from './bps.ts'
import { skeleton } from './confusables.ts'

/** Length of a shingle in tokens. */
export const SHINGLE_TOKENS = 5

/** How a datanet compares samples: `prose` ignores symbols, `code` counts them, `exact` finds only the same text. */
export const COMPARISONS = ['prose', 'code', 'exact'] as const
export type Comparison = (typeof COMPARISONS)[number]

/** The text without cosmetic differences: compatibility forms, case, look-alikes, invisible characters, white space. */
export function normalForm(text: string): string {
  return skeleton(text).replace(/\s+/gu, ' ').trim()
}

/** Words, numbers and, except in prose, symbols; single characters in scripts that do not separate words. Punctuation does not count. */
export function tokens(text: string, comparison: Comparison = 'code'): string[] {
  const form = normalForm(text)
  return (
    (comparison === 'prose'
      ? form.replace(/(?<=\p{L})\p{S}+(?=\p{L})|\p{Sk}/gu, '').replace(/\p{S}/gu, ' ')
      : form
    ).match(TOKEN) ?? []
  )
}

const TOKEN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{M}\p{N}])+|\p{S}/gu

/**
 * The set of 5-grams of a text's tokens, with a mark at each end so that short texts have some as well. Never empty.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { containment, shingles } from '#rules/shingles.ts'
 *
 * const [short, long] = [shingles('one two three four'), shingles('One, two, three, four, five!')]
 * assert.equal(containment(short, long), 500_000n) // "^ one two three four", but not "one two three four $"
 * ```
 */
export function shingles(text: string, comparison: Comparison = 'code'): Set<string> {
  const marked = ['^', ...tokens(text, comparison), '$']
  const grams = new Set<string>()
  for (let i = 0; i === 0 || i + SHINGLE_TOKENS <= marked.length; i++)
    grams.add(marked.slice(i, i + SHINGLE_TOKENS).join(' '))
  return grams
}

/** The share of `part`'s shingles that `whole` contains, in ppm, floored. */
export function containment<T>(part: ReadonlySet<T>, whole: ReadonlySet<T>): bigint {
  let held = 0n
  for (const gram of part) if (whole.has(gram)) held++
  return part.size === 0 ? 0n : (held * PPM) / BigInt(part.size)
}
