/** Rule 4 (attribution): the contributions behind one answer. */

import { benjaminiHochberg, type RecordedInfluence } from './attribution.ts'
import { mulDiv, PPM } from './bps.ts'

/** A verbatim span of an answer: tokens `[start, end)` that occur in the training text `occurrences` times, in these contributions. */
export type SpanEvidence = { start: number; end: number; occurrences: number; contributionIds: readonly string[] }

/** The three kinds of evidence about one answer, kept separate. Similarity is in ppm. */
export type AnswerEvidence = {
  /** Length of the answer in tokens. */
  tokens: number
  spans: readonly SpanEvidence[]
  influences: readonly RecordedInfluence[]
  similarities: readonly { contributionId: string; similarity: bigint }[]
}

/** The share of each kind of evidence in the payment, in ppm. Similarity is shown but pays nothing by default: a sample that resembles an
 *  answer did not necessarily cause it. */
export type EvidenceShares = { spans: bigint; influence: bigint; similarity: bigint }
export const DEFAULT_EVIDENCE_SHARES: EvidenceShares = { spans: 500_000n, influence: 500_000n, similarity: 0n }

/** One contribution's part of an answer, in ppm of the answer. `mass` decides the payment; the other values show what it consists of. */
export type AnswerPart = { contributionId: string; mass: bigint; spans: bigint; influence: bigint; similarity: bigint }

/**
 * Attributes one answer to contributions. Invariant: the masses and `unattributed` sum to one million.
 * - Spans: each token belongs to the rarest span that covers it (then the longer, then the first), to its holders in proportion to their standing.
 * - Influence: a contribution's share of all absolute influence, each times its standing, if its influence is positive and significant at a false discovery
 *   rate of 5 %. Negative or insignificant influence stays unattributed.
 * - Similarity: shares of the sum of similarities.
 *
 * `standing` (ppm, by default all) is the part of a contribution's effect that is its own, so that copies take nothing from an original.
 * @throws RangeError when the shares do not sum to one million or a span lies outside the answer.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { attributeAnswer } from '#rules/answer.ts'
 *
 * const { parts, unattributed } = attributeAnswer({
 *   tokens: 10,
 *   spans: [{ start: 0, end: 4, occurrences: 1, contributionIds: ['7'] }],
 *   influences: [],
 *   similarities: [],
 * })
 * assert.equal(parts[0]?.mass, 200_000n) // 4 of 10 tokens × the half that spans decide
 * assert.equal(unattributed, 800_000n)
 * ```
 */
export function attributeAnswer(
  evidence: AnswerEvidence,
  standing: ReadonlyMap<string, bigint> = new Map(),
  shares: EvidenceShares = DEFAULT_EVIDENCE_SHARES,
): { parts: AnswerPart[]; unattributed: bigint } {
  if (shares.spans + shares.influence + shares.similarity !== PPM)
    throw new RangeError(`The shares of the kinds of evidence must sum to ${PPM} ppm.`)
  const standingOf = (id: string) => standing.get(id) ?? PPM
  const spans = spanMass(evidence, standingOf)
  const influence = influenceMass(evidence.influences, standingOf)
  const similarity = shareOut(evidence.similarities.map((s) => [s.contributionId, s.similarity] as const))
  let attributed = 0n
  const ids = [...new Set([...spans.keys(), ...influence.keys(), ...similarity.keys()])].sort()
  const parts = ids.map((contributionId) => {
    const of = (kind: ReadonlyMap<string, bigint>) => kind.get(contributionId) ?? 0n
    const sum = of(spans) * shares.spans + of(influence) * shares.influence + of(similarity) * shares.similarity
    attributed += sum / PPM
    return {
      contributionId,
      mass: sum / PPM,
      spans: of(spans),
      influence: of(influence),
      similarity: of(similarity),
    }
  })
  return { parts, unattributed: PPM - attributed }
}

type StandingOf = (contributionId: string) => bigint

function spanMass({ tokens, spans }: AnswerEvidence, standingOf: StandingOf): Map<string, bigint> {
  const owners = new Map<number, SpanEvidence>()
  for (const span of spans) {
    if (span.start < 0 || span.start >= span.end || span.end > tokens || span.contributionIds.length === 0)
      throw new RangeError(
        `Span [${span.start}, ${span.end}) lies outside the answer's ${tokens} tokens or has no holder.`,
      )
    for (let token = span.start; token < span.end; token++) {
      const owner = owners.get(token)
      if (owner === undefined || compareSpans(span, owner) < 0) owners.set(token, span)
    }
  }
  const covered = new Map<SpanEvidence, bigint>()
  for (const span of owners.values()) covered.set(span, (covered.get(span) ?? 0n) + 1n)
  const mass = new Map<string, bigint>()
  for (const [span, count] of covered) {
    const holders = [...new Set(span.contributionIds)]
    const all = holders.reduce((sum, id) => sum + standingOf(id), 0n)
    if (all === 0n) continue
    for (const id of holders)
      mass.set(id, (mass.get(id) ?? 0n) + mulDiv(PPM * count, standingOf(id), BigInt(tokens) * all))
  }
  return mass
}

/** Negative when a token that both spans cover belongs to `a`: the rarer, then the longer, then the first. */
function compareSpans(a: SpanEvidence, b: SpanEvidence): number {
  return a.occurrences - b.occurrences || b.end - b.start - (a.end - a.start) || a.start - b.start
}

function influenceMass(influences: readonly RecordedInfluence[], standingOf: StandingOf): Map<string, bigint> {
  const significant = benjaminiHochberg(influences.map((item) => item.pPositive))
  const own = ({ contributionId, influence }: RecordedInfluence) => influence * standingOf(contributionId)
  const all = influences.reduce((sum, one) => sum + (own(one) < 0n ? -own(one) : own(one)), 0n)
  const counted = influences.filter((item, i) => significant[i] && item.influence > 0n)
  return shareOut(
    counted.map((item) => [item.contributionId, own(item)] as const),
    all,
  )
}

function shareOut(weights: readonly (readonly [string, bigint])[], whole?: bigint): Map<string, bigint> {
  const total = whole ?? weights.reduce((sum, [, weight]) => sum + weight, 0n)
  return new Map(weights.map(([id, weight]) => [id, total === 0n ? 0n : mulDiv(weight, PPM, total)]))
}
