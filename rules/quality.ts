/** Rule 3, amendment 4b (quality): the verdict on a contribution, and how much of it is new. */

import type { Hex } from 'viem'
import { bigintMax, bigintMin, PPM } from './bps.ts'
import { addWoven, ComparedText, SHORT_RUN, type SharedPlaces, sameChains, sameRuns } from './comparedText.ts'
import { elementAt } from './lookup.ts'
import { LshIndex } from './minhash.ts'
import { contentHash, type PromptCompletion, parseSample, SampleError } from './sample.ts'
import { SealedOverlap } from './sealedOverlap.ts'
import { type Comparison, normalForm, shingles, tokens } from './shingles.ts'

export type QualityVerdict =
  | 'accepted'
  | 'duplicate'
  | 'nearDuplicate'
  | 'contaminated'
  | 'malformed'
  | 'offTopic'
  | 'licence'
  | 'secret'
  | 'personalData'

/** The verdict in the event `ContributionScored`: 1 accepted, 2 rejected. @oracle DatanetRegistry.ACCEPTED */
export const verdictCode = (verdict: QualityVerdict): 1 | 2 => (verdict === 'accepted' ? 1 : 2)

/** A datanet's own requirement for a sample: `null` when the sample meets it, otherwise the verdict and what the contributor should
 *  change. */
export type SampleCheck = (sample: PromptCompletion) => SampleObjection | null

export type SampleObjection = {
  verdict: 'malformed' | 'offTopic' | 'licence' | 'secret' | 'personalData'
  reason: string
}

export type Assessment = {
  id: string
  verdict: QualityVerdict
  /** One sentence for the contributor. */
  reason: string
  /** `null` when the text is not a sample. */
  contentHash: Hex | null
  /** ppm; 0 unless accepted. */
  quality: bigint
  /** ppm of the sample's weight that no earlier content has; 0 for a duplicate or an unreadable text. */
  uniqueness: bigint
  /** Earlier contributions that have at least `SIMILAR` of this one, or of which it has that much; most similar first. */
  similar: Similar[]
}

/** An earlier contribution that is similar. Shares are ppm of a text's weight: each token weighs the more, the fewer samples have it. */
export type Similar = {
  id: string
  /** The share of the sample that the earlier one has. */
  containment: bigint
  /** The share of the earlier one that the sample has; 0 when the earlier one is too short to tell. */
  held: bigint
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
  /** A sample that contains this share of an evaluation item's 5-grams is refused (ppm, default 50 %). */
  maxSealedOverlap?: bigint
  seed?: number
  /** How the datanet compares samples; default `prose`. */
  comparison?: Comparison
}

/** A contribution to judge: see `QualityIndex.add`. */
export type QualityEntry = { id: string; committed: bigint; text: string | undefined; check?: SampleCheck }

/** A sample that nothing but its likeness to earlier ones can refuse. */
type ReadSample = { sample: PromptCompletion; hash: Hex; form: string; grams: Set<string>; compared: ComparedText }

/** The share from which two samples count as similar, in ppm: a shared phrase is not a copy. */
const SIMILAR = 350_000n

/** From this share on, in ppm, a sample counts as a copy of an earlier one, or of a part of it. Independent samples of one narrow task, written
 *  with the same phrases, share less. */
export const COPIED = 600_000n

/** From this share on in both directions, in ppm, a sample that consists of short runs of an earlier one counts as that one in another order.
 *  Independent samples of one narrow task share less. */
const REORDERED = 700_000n

/** Default of `minUniqueness`: 10 %. */
const MIN_UNIQUENESS = 100_000n

/** Why a contribution is refused whose content nobody could read when it was judged. It stays so: by publishing it later, its contributor would otherwise
 *  make a copy of what was accepted after it. */
export const UNPUBLISHED = 'Not published: its content could not be read. Publish it first, then contribute it again.'

/** Contributions remembered per 5-gram, earliest first. */
const MAX_HOLDERS = 8

/** Contributions remembered per key, earliest first. */
const MAX_KEY_HOLDERS = 64

/** Earlier contributions with which a sample is compared because they share most of its keys. */
const MAX_COMPARED = 24

/**
 * Judges samples one after the other *in the order in which they were committed*: a sample is compared with what was committed earlier,
 * whoever revealed first. The state depends only on the sequence of calls.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { commitOrder } from '#rules/commitments.ts'
 * import { QualityIndex } from '#rules/quality.ts'
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
  private readonly keyHolders = new Map<string, number[]>()
  /** How many samples have a token. */
  private readonly spread = new Map<string, number>()
  private readonly lsh: LshIndex
  private readonly sealed: SealedOverlap
  private readonly comparison: Comparison
  private last = -1n

  constructor(private readonly options: QualityOptions = {}) {
    this.lsh = new LshIndex(options.seed)
    this.comparison = options.comparison ?? 'prose'
    this.sealed = new SealedOverlap(options.sealed ?? [], options.maxSealedOverlap)
  }

  /** Judges the next sample. `committed` is the `commitOrder` of its commitment; a batch shares one. `text`: undefined when it is not published. `check` is one
   *  more, for this sample only.
   *  @throws RangeError when called out of order, because the verdict would depend on who revealed first. */
  add(entry: QualityEntry): Assessment {
    const read = this.read(entry)
    if ('verdict' in read) return read
    const { sample, hash, form, grams, compared } = read
    const { uniqueness, similar } =
      this.comparison === 'exact' ? { uniqueness: PPM, similar: [] } : this.compare(grams, compared)
    this.remember(entry.id, form, grams, compared)
    if (uniqueness < (this.options.minUniqueness ?? MIN_UNIQUENESS))
      return refused(
        entry.id,
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

  /** Takes the next sample as earlier content without comparing it, for whoever does not ask for its verdict: those that follow are judged as after `add`.
   *  @throws RangeError as `add` */
  hold(entry: QualityEntry): void {
    const read = this.read(entry)
    if (!('verdict' in read)) this.remember(entry.id, read.form, read.grams, read.compared)
  }

  /** The sample as it is compared, or its refusal if it does not count as earlier content for those that follow. */
  private read(entry: QualityEntry): Assessment | ReadSample {
    if (entry.committed < this.last)
      throw new RangeError(`Contribution ${entry.id} was committed before the last one judged. Judge in commit order.`)
    this.last = entry.committed
    if (entry.text === undefined) return refused(entry.id, 'malformed', UNPUBLISHED, null)
    let sample: PromptCompletion
    try {
      sample = parseSample(entry.text)
    } catch (error) {
      if (error instanceof SampleError) return refused(entry.id, 'malformed', error.message, null)
      throw error
    }
    const hash = contentHash(sample)
    for (const check of [...(this.options.checks ?? []), ...(entry.check ? [entry.check] : [])]) {
      const objection = check(sample)
      if (objection !== null) return refused(entry.id, objection.verdict, objection.reason, hash)
    }
    if (this.sealed.isIn(sample)) return refused(entry.id, 'contaminated', 'Ineligible.', hash)
    const text = `${sample.prompt}\n${sample.completion}`
    const form = normalForm(text)
    const original = this.byForm.get(form)
    if (original !== undefined)
      return refused(
        entry.id,
        'duplicate',
        `The same content was committed earlier, as contribution ${original}.`,
        hash,
        {
          similar: [{ id: original, containment: PPM, held: PPM }],
        },
      )
    const compared = new ComparedText(tokens(text, this.comparison))
    return { sample, hash, form, grams: shingles(text, this.comparison), compared }
  }

  /** The part of the sample that no earlier one has, and the earlier ones that have the rest. */
  private compare(grams: Set<string>, text: ComparedText): Pick<Assessment, 'uniqueness' | 'similar'> {
    const similar: (Similar & { at: number })[] = []
    const known = new Set<number>()
    const weight = (token: string) => this.weightOf(token)
    for (const at of this.candidates(grams, text)) {
      const { id, text: earlier } = elementAt(this.members, at)
      const { places, containment, held } = shared(text, earlier, weight)
      if (bigintMax(containment, held) < SIMILAR) continue
      similar.push({ id, at, containment, held })
      for (const place of places) known.add(place)
    }
    similar.sort((a, b) => Number(bigintMax(b.containment, b.held) - bigintMax(a.containment, a.held)) || a.at - b.at)
    return {
      uniqueness: PPM - text.share(known, weight),
      similar: similar.map(({ id, containment, held }) => ({ id, containment, held })),
    }
  }

  /** The binary digits of: all samples / those that have the token. What every sample has says little about who wrote it. */
  private weightOf(token: string): bigint {
    return BigInt(32 - Math.clz32((this.members.length + 1) / ((this.spread.get(token) ?? 0) + 1)))
  }

  private candidates(grams: Set<string>, text: ComparedText): Set<number> {
    const found = new Set(this.lsh.candidates(this.lsh.signature(grams)))
    for (const gram of grams) for (const holder of this.holders.get(gram) ?? []) found.add(holder)
    const shared = new Map<number, number>()
    for (const key of new Set(text.keys()))
      for (const holder of this.keyHolders.get(key) ?? []) shared.set(holder, (shared.get(holder) ?? 0) + 1)
    const most = [...shared].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, MAX_COMPARED)
    for (const [holder] of most) found.add(holder)
    return found
  }

  private remember(id: string, form: string, grams: Set<string>, text: ComparedText): void {
    const at = this.members.push({ id, text }) - 1
    this.byForm.set(form, id)
    this.lsh.add(at, this.lsh.signature(grams))
    for (const gram of grams) append(this.holders, gram, at, MAX_HOLDERS)
    for (const key of new Set(text.keys())) append(this.keyHolders, key, at, MAX_KEY_HOLDERS)
    for (const token of text.vocabulary) this.spread.set(token, (this.spread.get(token) ?? 0) + 1)
  }
}

const refused = (
  id: string,
  verdict: QualityVerdict,
  reason: string,
  hash: Hex | null,
  rest: Partial<Assessment> = {},
): Assessment => ({
  id,
  verdict,
  reason,
  contentHash: hash,
  quality: 0n,
  uniqueness: 0n,
  similar: [],
  ...rest,
})

/** A contribution that was judged. */
type Member = { id: string; text: ComparedText }

/** What an earlier text has of a later one: where either is mostly a copy of the other, by chains with gaps; where each is mostly made of the other's short runs, by
 *  these; otherwise by whole runs only. */
function shared(text: ComparedText, earlier: ComparedText, weight: (token: string) => bigint) {
  const shares = ({ later, earlier: ofEarlier }: SharedPlaces) => ({
    places: later,
    containment: text.share(later, weight),
    held: earlier.isLong ? earlier.share(ofEarlier, weight) : 0n,
  })
  const chains = shares(sameChains(text, earlier))
  if (bigintMax(chains.containment, chains.held) >= COPIED) {
    addWoven(chains.places)
    return { ...chains, containment: text.share(chains.places, weight) }
  }
  const short = shares(sameRuns(text, earlier, SHORT_RUN))
  return bigintMin(short.containment, short.held) >= REORDERED ? short : shares(sameRuns(text, earlier))
}

function append<T>(lists: Map<string, T[]>, key: string, value: T, keep: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else if (list.length < keep) list.push(value)
}

const percent = (ppm: bigint) => `${ppm / 10_000n} %`

const names = (similar: Assessment['similar']) =>
  similar
    .slice(0, 3)
    .map(({ id, containment, held }) => `${id} (${percent(bigintMax(containment, held))})`)
    .join(', ') + (similar.length > 3 ? ` and ${similar.length - 3} more` : '')
