import type { Hex } from 'viem'
import { PPM } from './bps.ts'
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

/** The verdict as `ContributionScored` carries it. */
export const verdictCode = (verdict: QualityVerdict): 1 | 2 => (verdict === 'accepted' ? 1 : 2)

/** A datanet's own demand on a sample: `null` when it is met, otherwise the verdict and what the contributor should change. */
export type SampleCheck = (
  sample: PromptCompletion,
) => { verdict: 'malformed' | 'offTopic' | 'licence'; reason: string } | null

export type Assessment = {
  id: string
  verdict: QualityVerdict
  /** One sentence for the contributor. */
  reason: string
  /** `null` when the text is no sample. */
  contentHash: Hex | null
  /** ppm; 0 unless accepted. */
  quality: bigint
  /** ppm of the sample's 5-grams not found in similar earlier content; 0 for a duplicate or an unreadable text. */
  uniqueness: bigint
  /** Earlier contributions that hold at least `SIMILAR` of this one's 5-grams, most similar first. */
  similar: { id: string; containment: bigint }[]
}

export type QualityOptions = {
  /** The mandate's evaluation items, unsealed for the scorer alone. */
  sealed?: readonly PromptCompletion[]
  /** Applied in order; the first that objects decides. */
  checks?: readonly SampleCheck[]
  /** Relevance and quality of an accepted sample in ppm; 1,000,000 when left out. */
  score?: (sample: PromptCompletion) => bigint
  /** Below this uniqueness a sample is refused as a near duplicate (ppm, default 10 %). */
  minUniqueness?: bigint
  /** A sample that holds this share of an evaluation item's 5-grams is refused (ppm, default 50 %). */
  maxSealedOverlap?: bigint
  seed?: number
}

/** A pair is compared as a whole only from this containment on: a shared turn of phrase is no copy. */
export const SIMILAR = 200_000n

/** The order of commitments as one number: block × 2³² + log index. */
export const commitOrder = (block: bigint, logIndex: bigint): bigint => block * 2n ** 32n + logIndex

/** Holders remembered per 5-gram, earliest first. */
const HOLDERS = 8

/** Judges samples one after the other *in the order in which they were committed* (rule 3): what was committed earlier is
 *  what a later sample is compared to, whoever revealed first. The state is a function of the sequence of calls. */
export class QualityIndex {
  private readonly byForm = new Map<string, string>()
  private readonly ids: string[] = []
  private readonly grams: Set<string>[] = []
  private readonly holders = new Map<string, number[]>()
  private readonly lsh: LshIndex
  private readonly sealedPrompts = new Set<string>()
  /** The 5-grams of each evaluation item that holds a 5-gram. */
  private readonly sealedHolders = new Map<string, Set<string>[]>()
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
   *  @throws RangeError when called out of order: the answer would depend on who revealed first. */
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
    if (uniqueness < (this.options.minUniqueness ?? 100_000n))
      return refused(
        'nearDuplicate',
        `${percent(PPM - uniqueness)} of it stands in earlier contributions: ${names(similar)}.`,
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
        : `Accepted: ${percent(uniqueness)} new; the rest stands in ${names(similar)}.`
    return { id: entry.id, verdict: 'accepted', reason, contentHash: hash, quality, uniqueness, similar }
  }

  /** Exact containment in the earlier contributions that MinHash or a shared rare 5-gram points to, together and one by one. */
  private compare(grams: Set<string>): Pick<Assessment, 'uniqueness' | 'similar'> {
    const candidates = new Set(this.lsh.candidates(this.lsh.signature(grams)))
    for (const gram of grams) for (const holder of this.holders.get(gram) ?? []) candidates.add(holder)
    const similar: { at: number; containment: bigint }[] = []
    const seen = new Set<string>()
    for (const at of candidates) {
      const share = containment(grams, this.grams[at]!)
      if (share < SIMILAR) continue
      similar.push({ at, containment: share })
      for (const gram of grams) if (this.grams[at]!.has(gram)) seen.add(gram)
    }
    similar.sort((a, b) => Number(b.containment - a.containment) || a.at - b.at)
    return {
      uniqueness: PPM - containment(grams, seen),
      similar: similar.map(({ at, containment: share }) => ({ id: this.ids[at]!, containment: share })),
    }
  }

  private remember(id: string, form: string, grams: Set<string>): void {
    const at = this.ids.push(id) - 1
    this.byForm.set(form, id)
    this.grams.push(grams)
    this.lsh.add(at, this.lsh.signature(grams))
    for (const gram of grams) append(this.holders, gram, at, HOLDERS)
  }

  private isSealed(sample: PromptCompletion, grams: Set<string>): boolean {
    if (this.sealedPrompts.has(normalForm(sample.prompt))) return true
    const shared = new Map<Set<string>, bigint>()
    for (const gram of grams)
      for (const item of this.sealedHolders.get(gram) ?? []) shared.set(item, (shared.get(item) ?? 0n) + 1n)
    const limit = this.options.maxSealedOverlap ?? 500_000n
    for (const [item, count] of shared) if (count * PPM >= limit * BigInt(item.size)) return true
    return false
  }
}

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
