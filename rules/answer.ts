import { benjaminiHochberg, type RecordedInfluence } from './attribution.ts'
import { mulDiv, PPM } from './bps.ts'

/** A verbatim span of an answer: tokens `[start, end)` that stand in the training text `occurrences` times, in these contributions. */
export type SpanEvidence = { start: number; end: number; occurrences: number; contributionIds: readonly string[] }

/** The three kinds of evidence on one answer, apart from each other. Similarity is in ppm. */
export type AnswerEvidence = {
  /** Length of the answer in tokens. */
  tokens: number
  spans: readonly SpanEvidence[]
  influences: readonly RecordedInfluence[]
  similarities: readonly { contributionId: string; similarity: bigint }[]
}

/** How far each kind of evidence decides who is paid, in ppm of the whole. Similarity is shown but pays nothing by
 *  default: what resembles an answer need not have caused it. */
export type EvidenceShares = { spans: bigint; influence: bigint; similarity: bigint }
export const DEFAULT_EVIDENCE_SHARES: EvidenceShares = { spans: 500_000n, influence: 500_000n, similarity: 0n }

/** One contribution's part of an answer. `mass` is what counts for payment; the others say where it comes from. All ppm of the answer. */
export type AnswerPart = { contributionId: string; mass: bigint; spans: bigint; influence: bigint; similarity: bigint }

/** Attributes one answer (rule 4). Invariant: the masses and `unattributed` sum to one million.
 *  - Spans: each token belongs to the rarest span over it (then the longer, then the first), in equal parts to its holders.
 *  - Influence: the part of all absolute influence that is positive and stands at a false discovery rate of 5 %; what is
 *    negative or may be chance stays unattributed.
 *  - Similarity: shares of the sum of similarities.
 *  @throws RangeError when the shares do not sum to one million or a span lies outside the answer. */
export function attributeAnswer(
  evidence: AnswerEvidence,
  shares: EvidenceShares = DEFAULT_EVIDENCE_SHARES,
): { parts: AnswerPart[]; unattributed: bigint } {
  if (shares.spans + shares.influence + shares.similarity !== PPM)
    throw new RangeError(`The shares of the kinds of evidence must sum to ${PPM} ppm.`)
  const spans = spanMass(evidence)
  const influence = influenceMass(evidence.influences)
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

function spanMass({ tokens, spans }: AnswerEvidence): Map<string, bigint> {
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
    const each = mulDiv(PPM, count, BigInt(tokens) * BigInt(holders.length))
    for (const id of holders) mass.set(id, (mass.get(id) ?? 0n) + each)
  }
  return mass
}

/** Negative when a token under both spans belongs to `a`: the rarer, then the longer, then the first. */
function compareSpans(a: SpanEvidence, b: SpanEvidence): number {
  return a.occurrences - b.occurrences || b.end - b.start - (a.end - a.start) || a.start - b.start
}

function influenceMass(influences: readonly RecordedInfluence[]): Map<string, bigint> {
  const stands = benjaminiHochberg(influences.map((item) => item.pPositive))
  const all = influences.reduce((sum, { influence }) => sum + (influence < 0n ? -influence : influence), 0n)
  const counted = influences.filter((item, i) => stands[i] && item.influence > 0n)
  return shareOut(
    counted.map((item) => [item.contributionId, item.influence] as const),
    all,
  )
}

function shareOut(weights: readonly (readonly [string, bigint])[], whole?: bigint): Map<string, bigint> {
  const total = whole ?? weights.reduce((sum, [, weight]) => sum + weight, 0n)
  return new Map(weights.map(([id, weight]) => [id, total === 0n ? 0n : mulDiv(weight, PPM, total)]))
}
