import { isDeepStrictEqual } from 'node:util'

/** Lower case, without punctuation, articles and spare spaces, as SQuAD compares answers (Rajpurkar et al., 2016). */
export function normaliseAnswer(text: string): string {
  const bare = text.toLowerCase().replace(/[\p{P}\p{S}]/gu, '')
  return bare
    .replace(/\b(a|an|the)\b/g, ' ')
    .trim()
    .split(/\s+/u)
    .join(' ')
}

/** 1 if the answer is one of the targets, else 0. By default what `normaliseAnswer` drops does not count. */
export function exactMatch(answer: string, targets: readonly string[], { normalise = true } = {}): number {
  const plain = normalise ? normaliseAnswer : (text: string) => text
  return targets.some((target) => plain(target) === plain(answer)) ? 1 : 0
}

/** The best harmonic mean of precision and recall over words, against any target; two empty texts agree. */
export function wordF1(answer: string, targets: readonly string[]): number {
  return Math.max(0, ...targets.map((target) => f1(wordsOf(answer), wordsOf(target))))
}

/**
 * 1 if the pattern finds the target in the answer: its first group, or else all it matched, equals one of the targets.
 * Without targets a match is enough. `found` is what the pattern extracted.
 */
export function regexMatch(
  answer: string,
  pattern: RegExp,
  targets?: readonly string[],
): { score: number; found: string | null } {
  const match = new RegExp(pattern, pattern.flags.replace(/[gy]/g, '')).exec(answer)
  if (!match) return { score: 0, found: null }
  const found = (match[1] ?? match[0]).trim()
  return { score: !targets || targets.includes(found) ? 1 : 0, found }
}

/**
 * The share of the expected fields that the first JSON object in the answer holds with equal values, deeply compared.
 * Numbers are equal within `tolerance`, relative. `found` is that object, or null when there is none.
 */
export function jsonFields(
  answer: string,
  expected: Readonly<Record<string, unknown>>,
  { tolerance = 0 } = {},
): { score: number; found: Record<string, unknown> | null } {
  const fields = Object.keys(expected)
  if (fields.length === 0) throw new Error('No field is expected, so there is nothing to score.')
  const found = firstObject(answer)
  if (!found) return { score: 0, found }
  const right = fields.filter(
    (field) => Object.hasOwn(found, field) && agrees(found[field], expected[field], tolerance),
  )
  return { score: right.length / fields.length, found }
}

/** Figures of a text from the natural logarithms of its tokens' probabilities. Throws on no tokens and on NaN. */
export function perplexity(
  logProbabilities: ArrayLike<number>,
  size: { bytes?: number; words?: number } = {},
): { perToken: number; perWord?: number; bitsPerByte?: number; negativeLogLikelihood: number } {
  let total = 0
  for (let i = 0; i < logProbabilities.length; i++) {
    // Rounding may lift a certainty a little above log 1.
    if (!(logProbabilities[i] <= 1e-3))
      throw new Error(`Token ${i} has log-probability ${logProbabilities[i]}; it is ≤ 0.`)
    total -= logProbabilities[i]
  }
  if (logProbabilities.length === 0) throw new Error('There are no tokens to measure.')
  return {
    negativeLogLikelihood: total,
    perToken: Math.exp(total / logProbabilities.length),
    ...(size.words ? { perWord: Math.exp(total / size.words) } : {}),
    ...(size.bytes ? { bitsPerByte: total / size.bytes / Math.LN2 } : {}),
  }
}

/**
 * Scores a choice among continuations by their log-likelihoods: `accuracy` picks the likeliest, `normalised` the
 * likeliest per byte, `probability` is the share of the right one. Ties go to the first.
 */
export function multipleChoice(
  logLikelihoods: readonly number[],
  byteLengths: readonly number[],
  right: number,
): { accuracy: number; normalised: number; probability: number; chosen: number } {
  if (logLikelihoods.length !== byteLengths.length || !(right in logLikelihoods)) {
    throw new Error(
      `${logLikelihoods.length} choices, ${byteLengths.length} lengths, and ${right} as the right one do not fit.`,
    )
  }
  const bad = logLikelihoods.findIndex((value) => Number.isNaN(value) || value === Infinity)
  if (bad >= 0) throw new Error(`Choice ${bad} has log-likelihood ${logLikelihoods[bad]}.`)
  const chosen = largest(logLikelihoods)
  const perByte = largest(logLikelihoods.map((value, i) => value / Math.max(1, byteLengths[i])))
  const top = logLikelihoods[chosen]
  const shares = logLikelihoods.map((value) => (value === top ? 1 : Math.exp(value - top)))
  const probability = shares[right] / shares.reduce((a, b) => a + b)
  return { accuracy: chosen === right ? 1 : 0, normalised: perByte === right ? 1 : 0, probability, chosen }
}

function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0)
}

function wordsOf(text: string): string[] {
  return normaliseAnswer(text).split(' ').filter(Boolean)
}

function f1(answer: string[], target: string[]): number {
  if (answer.length === 0 || target.length === 0) return answer.length === target.length ? 1 : 0
  const left = new Map<string, number>()
  for (const word of target) left.set(word, (left.get(word) ?? 0) + 1)
  let common = 0
  for (const word of answer) {
    const count = left.get(word) ?? 0
    if (count > 0) common++
    left.set(word, count - 1)
  }
  return (2 * common) / (answer.length + target.length)
}

function agrees(found: unknown, expected: unknown, tolerance: number): boolean {
  if (typeof found === 'number' && typeof expected === 'number') {
    return Math.abs(found - expected) <= tolerance * Math.abs(expected)
  }
  return isDeepStrictEqual(found, expected)
}

/** The first stretch of balanced braces that parses as an object. Looks at up to 100 openings. */
function firstObject(text: string): Record<string, unknown> | null {
  for (
    let start = text.indexOf('{'), tries = 0;
    start >= 0 && tries < 100;
    start = text.indexOf('{', start + 1), tries++
  ) {
    const end = closingBrace(text, start)
    if (end < 0) continue
    try {
      return JSON.parse(text.slice(start, end + 1))
    } catch {
      // Not JSON: braces of prose, or of code. The next opening may be.
    }
  }
  return null
}

/** The brace that closes the one at `start`, not looking into strings; -1 when there is none. */
function closingBrace(text: string, start: number): number {
  let depth = 0
  let quoted = false
  for (let i = start; i < text.length; i++) {
    const char = text[i]
    if (quoted) {
      if (char === '\\') i++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{') depth++
    else if (char === '}' && --depth === 0) return i
  }
  return -1
}
