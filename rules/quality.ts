/** Rule 3, amendment 4b (quality): the verdict on a contribution, and how much of it is new. */

import type { Hex } from 'viem'
import { bigintMax, mulDiv, PPM } from './bps.ts'
import { GappedText, MAX_GAP } from './gappedGrams.ts'
import { elementAt } from './lookup.ts'
import { LshIndex } from './minhash.ts'
import { contentHash, type PromptCompletion, parseSample, SampleError } from './sample.ts'
import { type Comparison, containment, normalForm, shingles, tokens } from './shingles.ts'

export type QualityVerdict =
  | 'accepted'
  | 'duplicate'
  | 'nearDuplicate'
  | 'contaminated'
  | 'malformed'
  | 'offTopic'
  | 'licence'

/** The verdict in the event `ContributionScored`: 1 accepted, 2 rejected. @oracle DatanetRegistry.ACCEPTED */
export const verdictCode = (verdict: QualityVerdict): 1 | 2 => (verdict === 'accepted' ? 1 : 2)

/** A datanet's own requirement for a sample: `null` when the sample meets it, otherwise the verdict and what the contributor should
 *  change. */
export type SampleCheck = (
  sample: PromptCompletion,
) => { verdict: 'malformed' | 'offTopic' | 'licence'; reason: string } | null

export type Assessment = {
  id: string
  verdict: QualityVerdict
  /** One sentence for the contributor. */
  reason: string
  /** `null` when the text is not a sample. */
  contentHash: Hex | null
  /** ppm; 0 unless accepted. */
  quality: bigint
  /** ppm of the sample's 5-grams that no similar earlier content contains; 0 for a duplicate or an unreadable text. */
  uniqueness: bigint
  /** Earlier contributions that contain at least `SIMILAR` of this one's 5-grams, most similar first. */
  similar: { id: string; containment: bigint }[]
}

export type QualityOptions = {
  /** The mandate's evaluation items, which only the scorer can read. */
  sealed?: readonly PromptCompletion[]
  /** Applied in order; the first objection decides. */
  checks?: readonly SampleCheck[]
  /** Relevance and quality of an accepted sample in ppm; default 1,000,000. */
  score?: (sample: PromptCompletion) => bigint
  /** A sample below this uniqueness is refused as a near duplicate (ppm, default `MIN_UNIQUENESS`). */
  minUniqueness?: bigint
  /** A sample that contains this share of an evaluation item's 5-grams is refused (ppm, default `MAX_SEALED_OVERLAP`). */
  maxSealedOverlap?: bigint
  seed?: number
  /** How the datanet compares samples; default `prose`. */
  comparison?: Comparison
}

/** The containment from which two samples count as similar, in ppm: a shared phrase is not a copy. */
export const SIMILAR = 200_000n

/** Default of `minUniqueness`: 10 %. */
const MIN_UNIQUENESS = 100_000n

/** Default of `maxSealedOverlap`: 50 %. */
const MAX_SEALED_OVERLAP = 500_000n

/** The order of commitments as one number: block × 2³² + log index. */
export const commitOrder = (block: bigint, logIndex: bigint): bigint => block * 2n ** 32n + logIndex

/** A sample is a copy when this share of its tokens, or of an earlier sample's, stands in 5-grams that both hold (ppm). */
const COPIED = 900_000n

/** Contributions remembered per 5-gram and per pair of tokens, earliest first. */
const MAX_HOLDERS = 8

/** Earlier contributions with which a sample is compared in full, because they share most pairs of tokens with it. */
const MAX_COMPARED = 24

/** Pairs are remembered and looked up with up to `MAX_GAP` tokens between them, so that words put in or left out do not hide a copy. */
const PAIR_DISTANCE = MAX_GAP + 1

/**
 * Judges samples one after the other *in the order in which they were committed*: a sample is compared with what was committed earlier,
 * whoever revealed first. The state depends only on the sequence of calls.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { commitOrder, QualityIndex } from '#rules/quality.ts'
 *
 * const index = new QualityIndex()
 * const text = JSON.stringify({ prompt: 'Where is my parcel?', completion: 'It arrives tomorrow.' })
 * assert.equal(index.add({ id: '1', committed: commitOrder(10n, 0n), text }).verdict, 'accepted')
 * assert.equal(index.add({ id: '2', committed: commitOrder(11n, 0n), text }).verdict, 'duplicate')
 * ```
 */
export class QualityIndex {
  private readonly byForm = new Map<string, string>()
  private readonly members: Member[] = []
  private readonly holders = new Map<string, number[]>()
  private readonly pairHolders = new Map<string, number[]>()
  private readonly lsh: LshIndex
  private readonly sealedPrompts = new Set<string>()
  /** The sealed items that contain a 5-gram, each as the set of its 5-grams. */
  private readonly sealedHolders = new Map<string, ReadonlySet<string>[]>()
  private readonly comparison: Comparison
  private last = -1n

  constructor(private readonly options: QualityOptions = {}) {
    this.lsh = new LshIndex(options.seed)
    this.comparison = options.comparison ?? 'prose'
    for (const item of options.sealed ?? []) {
      const grams = shingles(`${item.prompt}\n${item.completion}`)
      for (const gram of grams) append(this.sealedHolders, gram, grams)
      this.sealedPrompts.add(normalForm(item.prompt))
    }
  }

  /** Judges the next sample. `committed` is the `commitOrder` of its commitment; a batch shares one.
   *  @throws RangeError when called out of order, because the verdict would depend on who revealed first. */
  add(entry: { id: string; committed: bigint; text: string }): Assessment {
    if (entry.committed < this.last)
      throw new RangeError(`Contribution ${entry.id} was committed before the last one judged. Judge in commit order.`)
    this.last = entry.committed

    const refused = (
      verdict: QualityVerdict,
      reason: string,
      hash: Hex | null,
      rest: Partial<Assessment> = {},
    ): Assessment => ({
      id: entry.id,
      verdict,
      reason,
      contentHash: hash,
      quality: 0n,
      uniqueness: 0n,
      similar: [],
      ...rest,
    })
    let sample: PromptCompletion
    try {
      sample = parseSample(entry.text)
    } catch (error) {
      if (error instanceof SampleError) return refused('malformed', error.message, null)
      throw error
    }
    const hash = contentHash(sample)
    for (const check of this.options.checks ?? []) {
      const objection = check(sample)
      if (objection !== null) return refused(objection.verdict, objection.reason, hash)
    }
    const text = `${sample.prompt}\n${sample.completion}`
    const gapped = new GappedText(tokens(text, this.comparison))
    const grams = shingles(text, this.comparison)
    if (this.isSealed(sample, shingles(text))) return refused('contaminated', 'Ineligible.', hash)

    const form = normalForm(text)
    const original = this.byForm.get(form)
    if (original !== undefined)
      return refused('duplicate', `The same content was committed earlier, as contribution ${original}.`, hash, {
        similar: [{ id: original, containment: PPM }],
      })

    const { uniqueness, similar } =
      this.comparison === 'exact' ? { uniqueness: PPM, similar: [] } : this.compare(grams, gapped)
    this.remember(entry.id, form, grams, gapped)
    if (uniqueness < (this.options.minUniqueness ?? MIN_UNIQUENESS))
      return refused(
        'nearDuplicate',
        `${percent(PPM - uniqueness)} of it is in earlier contributions: ${names(similar)}.`,
        hash,
        {
          uniqueness,
          similar,
        },
      )
    const quality = this.options.score?.(sample) ?? PPM
    if (quality < 0n || quality > PPM) throw new RangeError(`A quality score must be 0 to ${PPM} ppm, got ${quality}.`)
    const reason =
      similar.length === 0
        ? 'Accepted: nothing similar was committed earlier.'
        : `Accepted: ${percent(uniqueness)} new; the rest is in ${names(similar)}.`
    return { id: entry.id, verdict: 'accepted', reason, contentHash: hash, quality, uniqueness, similar }
  }

  /** Containment both ways in the earlier contributions that share 5-grams or pairs of tokens: the part of the sample that all of them together
   *  hold, or the part of one of them that the sample holds, whichever is more. */
  private compare(grams: Set<string>, gapped: GappedText): Pick<Assessment, 'uniqueness' | 'similar'> {
    const similar: { id: string; at: number; containment: bigint }[] = []
    const seen = new Set<string>()
    const covered = new Set<number>()
    let taken = 0n
    for (const at of this.candidates(grams, gapped)) {
      const { id, grams: earlier, gapped: earlierText } = elementAt(this.members, at)
      const held = [...grams].filter((gram) => earlierText.holds(gram))
      const holds = earlierText.isLong
        ? share([...earlier].filter((gram) => gapped.holds(gram)).length, earlier.size)
        : 0n
      const containment = bigintMax(share(held.length, grams.size), holds)
      if (containment < SIMILAR) continue
      similar.push({ id, at, containment })
      taken = bigintMax(taken, holds)
      for (const gram of held) seen.add(gram)
      for (const place of gapped.coveredBy(earlierText)) covered.add(place)
      if (earlierText.isLong && share(earlierText.coveredBy(gapped).size, earlierText.length) >= COPIED) taken = PPM
    }
    if (gapped.length > 0 && share(covered.size, gapped.length) >= COPIED) taken = PPM
    similar.sort((a, b) => Number(b.containment - a.containment) || a.at - b.at)
    return {
      uniqueness: PPM - bigintMax(containment(grams, seen), taken),
      similar: similar.map(({ id, containment }) => ({ id, containment })),
    }
  }

  private candidates(grams: Set<string>, gapped: GappedText): Set<number> {
    const found = new Set(this.lsh.candidates(this.lsh.signature(grams)))
    for (const gram of grams) for (const holder of this.holders.get(gram) ?? []) found.add(holder)
    const shared = new Map<number, number>()
    for (const pair of gapped.pairs(PAIR_DISTANCE))
      for (const holder of this.pairHolders.get(pair) ?? []) shared.set(holder, (shared.get(holder) ?? 0) + 1)
    const most = [...shared].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, MAX_COMPARED)
    for (const [holder] of most) found.add(holder)
    return found
  }

  private remember(id: string, form: string, grams: Set<string>, gapped: GappedText): void {
    const at = this.members.push({ id, grams, gapped }) - 1
    this.byForm.set(form, id)
    this.lsh.add(at, this.lsh.signature(grams))
    for (const gram of grams) append(this.holders, gram, at, MAX_HOLDERS)
    for (const pair of new Set(gapped.pairs(PAIR_DISTANCE))) append(this.pairHolders, pair, at, MAX_HOLDERS)
  }

  private isSealed(sample: PromptCompletion, grams: Set<string>): boolean {
    if (this.sealedPrompts.has(normalForm(sample.prompt))) return true
    const shared = new Map<ReadonlySet<string>, bigint>()
    for (const gram of grams)
      for (const item of this.sealedHolders.get(gram) ?? []) shared.set(item, (shared.get(item) ?? 0n) + 1n)
    const limit = this.options.maxSealedOverlap ?? MAX_SEALED_OVERLAP
    for (const [item, count] of shared) if (count * PPM >= limit * BigInt(item.size)) return true
    return false
  }
}

/** A contribution that was judged, with its 5-grams. */
type Member = { id: string; grams: ReadonlySet<string>; gapped: GappedText }

const share = (part: number, whole: number) => mulDiv(BigInt(part), PPM, BigInt(whole))

function append<T>(lists: Map<string, T[]>, key: string, value: T, keep = Number.POSITIVE_INFINITY): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else if (list.length < keep) list.push(value)
}

const percent = (ppm: bigint) => `${ppm / 10_000n} %`

const names = (similar: Assessment['similar']) =>
  similar
    .slice(0, 3)
    .map(({ id, containment: share }) => `${id} (${percent(share)})`)
    .join(', ') + (similar.length > 3 ? ` and ${similar.length - 3} more` : '')
