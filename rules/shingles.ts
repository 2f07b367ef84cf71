import { PPM } from './bps.ts'

/** Length of a shingle in tokens. */
export const SHINGLE = 5

/** Text with its cosmetic differences removed: compatibility forms, case, invisible characters, white space. */
export function normalForm(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
}

/** Words, numbers and symbols; single characters in scripts that do not part words. Punctuation does not count. */
export function tokens(text: string): string[] {
  return normalForm(text).match(TOKEN) ?? []
}

const TOKEN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{M}\p{N}])+|\p{S}/gu

/** The set of 5-grams of a text's tokens, with a mark at either end so that short texts have some, too. Never empty. */
export function shingles(text: string): Set<string> {
  const marked = ['^', ...tokens(text), '$']
  const grams = new Set<string>()
  for (let i = 0; i === 0 || i + SHINGLE <= marked.length; i++) grams.add(marked.slice(i, i + SHINGLE).join(' '))
  return grams
}

/** The share of `part`'s shingles that `whole` holds, in ppm, floored. */
export function containment<T>(part: ReadonlySet<T>, whole: ReadonlySet<T>): bigint {
  let held = 0n
  for (const gram of part) if (whole.has(gram)) held++
  return part.size === 0 ? 0n : (held * PPM) / BigInt(part.size)
}
