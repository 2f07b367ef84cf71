/** Rule 3, amendment 4b (copies): the normal form, the tokens and the 5-grams of a text. */

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
export function tokens(text: string, comparison: Comparison): string[] {
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
 * import { shingles } from '#rules/shingles.ts'
 *
 * assert.deepEqual([...shingles('One, two, three, four!', 'code')], ['^ one two three four', 'one two three four $'])
 * ```
 */
export function shingles(text: string, comparison: Comparison): Set<string> {
  const marked = ['^', ...tokens(text, comparison), '$']
  const grams = new Set<string>()
  for (let i = 0; i === 0 || i + SHINGLE_TOKENS <= marked.length; i++)
    grams.add(marked.slice(i, i + SHINGLE_TOKENS).join(' '))
  return grams
}
