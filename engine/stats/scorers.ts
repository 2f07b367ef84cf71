/** Normalises an answer as SQuAD does (Rajpurkar et al., 2016): lower case, without punctuation, articles and extra spaces. */
export function normaliseAnswer(text: string): string {
  const bare = text.toLowerCase().replace(/[\p{P}\p{S}]/gu, '')
  return bare
    .replace(/\b(a|an|the)\b/g, ' ')
    .trim()
    .split(/\s+/u)
    .join(' ')
}

/** 1 if the answer equals one of the targets, else 0. By default both are compared after `normaliseAnswer`. */
export function exactMatch(answer: string, targets: readonly string[], { normalise = true } = {}): number {
  const plain = normalise ? normaliseAnswer : (text: string) => text
  return targets.some((target) => plain(target) === plain(answer)) ? 1 : 0
}

/** The best F1 score (harmonic mean of precision and recall over words) against any target. Two empty texts score 1. */
export function wordF1(answer: string, targets: readonly string[]): number {
  return Math.max(0, ...targets.map((target) => f1(wordsOf(answer), wordsOf(target))))
}

/**
 * The share of the expected fields that have equal values (compared deeply) in the first JSON object of the answer. Numbers
 * are equal within the relative `tolerance`. `found` is that object, or null when there is none.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { jsonFields } from '#engine/stats/scorers.ts'
 *
 * const { score, found } = jsonFields('Sure: {"name": "Ann", "age": 31}', { name: 'Ann', age: 30 })
 * assert.equal(score, 0.5)
 * assert.deepEqual(found, { name: 'Ann', age: 31 })
 * ```
 */
export function jsonFields(
  answer: string,
  expected: Readonly<Record<string, unknown>>,
  { tolerance = 0 } = {},
): { score: number; found: Record<string, unknown> | null } {
  const fields = Object.keys(expected)
  if (fields.length === 0) throw new Error('There is nothing to score: expect at least one field.')
  const found = firstObject(answer)
  if (!found) return { score: 0, found }
  const right = fields.filter(
    (field) => Object.hasOwn(found, field) && agrees(found[field], expected[field], tolerance),
  )
  return { score: right.length / fields.length, found }
}

/** Perplexity of a text from the natural log-probabilities of its tokens. @throws Error when there are no tokens, or on NaN. */
export function perplexity(
  logProbabilities: ArrayLike<number>,
  size: { bytes?: number; words?: number } = {},
): { loss: number; perToken: number; perWord?: number; bitsPerByte?: number; negativeLogLikelihood: number } {
  let total = 0
  for (const [i, value] of Array.from(logProbabilities).entries()) {
    // Rounding may raise a certain token's value slightly above log 1.
    if (!(value <= 1e-3)) throw new Error(`Token ${i} has log-probability ${value}; it must be 0 or less.`)
    total -= value
  }
  if (logProbabilities.length === 0) throw new Error('There are no tokens to measure.')
  const loss = total / logProbabilities.length // nats per token
  return {
    negativeLogLikelihood: total,
    loss,
    perToken: Math.exp(loss),
    ...(size.words ? { perWord: Math.exp(total / size.words) } : {}),
    ...(size.bytes ? { bitsPerByte: total / size.bytes / Math.LN2 } : {}),
  }
}

/**
 * Scores a multiple-choice question by the log-likelihoods of its continuations. `accuracy` is 1 when the most likely one
 * is right, `normalised` when the most likely one per byte is right; `probability` is the probability of the right one among
 * all. The first of equals wins.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { multipleChoice } from '#engine/stats/scorers.ts'
 *
 * const score = multipleChoice([-1, -3], [4, 12], 1) // log-likelihoods, lengths in bytes, index of the right choice
 * assert.equal(score.accuracy, 0)
 * assert.equal(score.chosen, 0)
 * assert.equal(score.probability.toFixed(3), '0.119')
 * ```
 */
export function multipleChoice(
  logLikelihoods: readonly number[],
  byteLengths: readonly number[],
  right: number,
): { accuracy: number; normalised: number; probability: number; chosen: number } {
  if (logLikelihoods.length !== byteLengths.length || !(right in logLikelihoods)) {
    throw new Error(
      `There are ${logLikelihoods.length} choices and ${byteLengths.length} lengths, and the right choice is ${right}: these do not match.`,
    )
  }
  const bad = logLikelihoods.findIndex((value) => Number.isNaN(value) || value === Infinity)
  if (bad >= 0) throw new Error(`Choice ${bad} has log-likelihood ${logLikelihoods[bad]}.`)
  const top = Math.max(...logLikelihoods)
  const chosen = logLikelihoods.indexOf(top)
  const perByte = logLikelihoods.map((value, i) => value / Math.max(1, byteLengths[i] ?? 1))
  const normalised = perByte.indexOf(Math.max(...perByte))
  const shares = logLikelihoods.map((value) => (value === top ? 1 : Math.exp(value - top)))
  const probability = (shares[right] ?? 0) / shares.reduce((a, b) => a + b)
  return { accuracy: chosen === right ? 1 : 0, normalised: normalised === right ? 1 : 0, probability, chosen }
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
  return sameJson(found, expected)
}

/** Whether two values of JSON are equal, whatever the order of their keys. */
function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [keys, others] = [Object.keys(a), Object.keys(b)]
  return (
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key as keyof typeof a], b[key as keyof typeof b]))
  )
}

/** The first text in balanced braces that parses as JSON. Tries up to 100 opening braces. */
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
      // Braces of prose or code, not JSON: try the next opening brace.
    }
  }
  return null
}

/** The index of the brace that closes the one at `start`, or -1. Braces inside strings do not count. */
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
