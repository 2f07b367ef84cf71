/** Rule 3, amendment 4b (copies): characters that look alike count as one. */

import unhomoglyph from 'unhomoglyph'

const known = new Map<string, string>()

/**
 * The text with look-alike characters replaced by one of them (the confusables of Unicode's UTS #39, in the table of the package `unhomoglyph`),
 * without case, combining diacritics and invisible characters. The table lists some look-alikes only as capitals, so each
 * character is looked up as it is and as a capital. It is for comparison only: it makes `1`, `l` and `I` equal.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { skeleton } from '#rules/confusables.ts'
 *
 * assert.equal(skeleton('раrсеl'), skeleton('PARCEL')) // some of the first are Cyrillic
 * ```
 */
export function skeleton(text: string): string {
  let folded = ''
  for (const character of text.normalize('NFKC').normalize('NFD').replace(INVISIBLE, '')) {
    let form = known.get(character)
    if (form === undefined) {
      form = formOf(character)
      known.set(character, form)
    }
    folded += form
  }
  return folded.normalize('NFC')
}

const INVISIBLE = /\p{Cf}|\p{Default_Ignorable_Code_Point}|[\u0300-\u036f]/gu

function formOf(character: string): string {
  const asCapital = looksLike(character.toUpperCase())
  if (IS_ASCII.test(asCapital)) return asCapital.toLowerCase()
  const asItIs = looksLike(character)
  return (IS_ASCII.test(asItIs) ? looksLike(asItIs.toUpperCase()) : asCapital).toLowerCase()
}

const IS_ASCII = /^[\x20-\x7e]/

/** Letters and digits stay letters and digits: a look-alike that is punctuation would split a word. */
function looksLike(text: string): string {
  const other = unhomoglyph(text)
  return /^[\p{L}\p{N}]+$/u.test(other) ? other : text
}
