/** Rule 3, amendment 4b (quality): the verdict on a contribution, and how much of it is new. */

import type { Hex } from 'viem'
import { PPM } from './bps.ts'
import { elementAt } from './lookup.ts'
import { LshIndex } from './minhash.ts'
import { contentHash, type PromptCompletion, parseSample, SampleError } from './sample.ts'
import { containment, normalForm, shingles } from './shingles.ts'

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
}

/** The containment from which two samples count as similar, in ppm: a shared phrase is not a copy. */
export const SIMILAR = 200_000n

/** Default of `minUniqueness`: 10 %. */
const MIN_UNIQUENESS = 100_000n

/** Default of `maxSealedOverlap`: 50 %. */
const MAX_SEALED_OVERLAP = 500_000n

/** The order of commitments as one number: block × 2³² + log index. */
export const commitOrder = (block: bigint, logIndex: bigint): bigint => block * 2n ** 32n + logIndex

/** Contributions remembered per 5-gram, earliest first. */
const MAX_HOLDERS = 8

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
  private readonly lsh: LshIndex
  private readonly sealedPrompts = new Set<string>()
  /** The sealed items that contain a 5-gram, each as the set of its 5-grams. */
  private readonly sealedHolders = new Map<string, ReadonlySet<string>[]>()
  private last = -1n

  constructor(private readonly options: QualityOptions = {}) {
    this.lsh = new LshIndex(options.seed)
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
    const grams = shingles(text)
    if (this.isSealed(sample, grams))
      return refused(
        'contaminated',
        'It overlaps a sealed evaluation item. Evaluation items cannot be trained on.',
        hash,
      )

    const form = normalForm(text)
    const original = this.byForm.get(form)
    if (original !== undefined)
      return refused('duplicate', `The same content was committed earlier, as contribution ${original}.`, hash, {
        similar: [{ id: original, containment: PPM }],
      })

    const { uniqueness, similar } = this.compare(grams)
    this.remember(entry.id, form, grams)
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

  /** Exact containment in the earlier contributions that MinHash or a shared rare 5-gram finds: in all of them together, and in each. */
  private compare(grams: Set<string>): Pick<Assessment, 'uniqueness' | 'similar'> {
    const candidates = new Set(this.lsh.candidates(this.lsh.signature(grams)))
    for (const gram of grams) for (const holder of this.holders.get(gram) ?? []) candidates.add(holder)
    const similar: { id: string; at: number; containment: bigint }[] = []
    const seen = new Set<string>()
    for (const at of candidates) {
      const { id, grams: earlier } = elementAt(this.members, at)
      const share = containment(grams, earlier)
      if (share < SIMILAR) continue
      similar.push({ id, at, containment: share })
      for (const gram of grams) if (earlier.has(gram)) seen.add(gram)
    }
    similar.sort((a, b) => Number(b.containment - a.containment) || a.at - b.at)
    return {
      uniqueness: PPM - containment(grams, seen),
      similar: similar.map(({ id, containment: share }) => ({ id, containment: share })),
    }
  }

  private remember(id: string, form: string, grams: Set<string>): void {
    const at = this.members.push({ id, grams }) - 1
    this.byForm.set(form, id)
    this.lsh.add(at, this.lsh.signature(grams))
    for (const gram of grams) append(this.holders, gram, at, MAX_HOLDERS)
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
type Member = { id: string; grams: ReadonlySet<string> }

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
