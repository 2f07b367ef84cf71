/** Rule 3, amendment 4b (copies): the parts of two texts that are the same, whatever was put between, replaced or moved. */

import { mulDiv, PPM } from './bps.ts'
import { entryOf } from './lookup.ts'

/** Tokens that make a chain: fewer in the same order are no sign of a copy. */
const CHAIN = 5

/** Tokens that make a short run: a text that was made of another's short sentences or lines, in another order, shares many. */
export const SHORT_RUN = 2

/** Of the tokens that both texts have, this many others may stand between two neighbours of a chain. */
const MAX_GAP = 3

/** In at least one of the two texts, at most this many tokens of any kind stand between two neighbours of a chain. */
const MAX_OTHERS = 1

/** How far two neighbours of a chain may be apart in one text and in the other, in common tokens. */
const STEPS = Array.from({ length: MAX_GAP + 1 }, (_, i) => i + 1).flatMap((di) =>
  Array.from({ length: MAX_GAP + 2 - di }, (_, j) => ({ di, dj: j + 1 })),
)

/** Places remembered per token of a text, so that a text of few different tokens does not make a comparison quadratic. */
const MAX_PLACES = 64

/** A text that other texts are compared with. */
export class ComparedText {
  /** Its tokens between marks for its ends, so that short texts have chains as well. */
  readonly marked: readonly string[]
  readonly vocabulary: ReadonlySet<string>
  private readonly knownRuns = new Map<number, ReadonlyMap<string, readonly number[]>>()

  constructor(tokens: readonly string[]) {
    this.marked = ['^', ...tokens, '$']
    this.vocabulary = new Set(this.marked)
  }

  /** Whether it is long enough that holding all of it is no chance: a short phrase takes nothing from a longer sample. */
  get isLong(): boolean {
    return this.marked.length >= 3 * CHAIN
  }

  /** The share of the text's weight at these places, in ppm, floored. The marks weigh nothing. */
  share(places: ReadonlySet<number>, weight: (token: string) => bigint): bigint {
    let [part, whole] = [0n, 0n]
    for (const [place, token] of this.marked.entries()) {
      if (place === 0 || place === this.marked.length - 1) continue
      const own = weight(token)
      whole += own
      if (places.has(place)) part += own
    }
    return whole === 0n ? 0n : mulDiv(part, PPM, whole)
  }

  /** Where each run of so many tokens begins. */
  runs(length: number): ReadonlyMap<string, readonly number[]> {
    const known = this.knownRuns.get(length) ?? runsOf(this.marked, length)
    this.knownRuns.set(length, known)
    return known
  }

  /** What copies share with it: its tokens, and the pairs of those that stand near each other. */
  *keys(): Iterable<string> {
    yield* this.vocabulary
    for (const [at, first] of this.marked.entries())
      for (const second of this.marked.slice(at + 1, at + 2 + MAX_GAP)) yield `${first} ${second}`
  }
}

function runsOf(tokens: readonly string[], length: number): ReadonlyMap<string, readonly number[]> {
  const runs = new Map<string, number[]>()
  for (let start = 0; start + length <= tokens.length; start++) {
    const run = tokens.slice(start, start + length).join(' ')
    const starts = runs.get(run)
    if (starts === undefined) runs.set(run, [start])
    else starts.push(start)
  }
  return runs
}

/** Places of tokens in a later text that an earlier one has as well, and in the earlier text. */
export type SharedPlaces = { later: Set<number>; earlier: Set<number> }

/** The places in runs of so many or more tokens that both texts have without anything between. */
export function sameRuns(later: ComparedText, earlier: ComparedText, length = CHAIN): SharedPlaces {
  return { later: runsIn(later, earlier, length), earlier: runsIn(earlier, later, length) }
}

function runsIn(text: ComparedText, other: ComparedText, length: number): Set<number> {
  const places = new Set<number>()
  for (const [run, starts] of text.runs(length))
    if (other.runs(length).has(run))
      for (const start of starts) for (let nth = 0; nth < length; nth++) places.add(start + nth)
  return places
}

/**
 * The places in chains of five or more tokens that stand in both texts in the same order and near each other. Tokens that only one of the texts
 * has are left out first, so that neither fillers nor replaced words nor parts left out hide what the texts share.
 */
export function sameChains(later: ComparedText, earlier: ComparedText): SharedPlaces {
  const [a, b] = [common(later, earlier), common(earlier, later)]
  const matches = matchesOf(a, b)
  const [forwards, backwards] = [chainLengths(a, b, matches, 1), chainLengths(a, b, matches, -1)]
  const found = { later: new Set<number>(), earlier: new Set<number>() }
  const length = Math.min(CHAIN, later.marked.length, earlier.marked.length)
  for (const [i, { start, partners }] of matches.entries())
    for (const [nth, j] of partners.entries()) {
      const [before, after] = [forwards[start + nth] ?? 0, backwards[start + nth] ?? 0]
      if (before + after - 1 < length) continue
      found.later.add(placeOf(a, i))
      found.earlier.add(placeOf(b, j))
    }
  return found
}

/** Where the token at a position of one text stands in the other; `start`: the number of matches of the positions before. */
type Matches = readonly { partners: readonly number[]; start: number }[]

function matchesOf(a: CommonTokens, b: CommonTokens): Matches {
  let count = 0
  return a.tokens.map((token) => {
    const partners = entryOf(b.at, token)
    const start = count
    count += partners.length
    return { partners, start }
  })
}

/** For each match the length of the longest chain that ends there, read forwards (`direction` 1) or backwards. Only the rows of the last few
 *  positions are kept, in arrays that begin as zeros, because whoever submits a sample chooses how many matches there are. */
function chainLengths(a: CommonTokens, b: CommonTokens, matches: Matches, direction: 1 | -1): Uint32Array {
  const size = b.tokens.length
  const last = matches.at(-1)
  const lengths = new Uint32Array(last ? last.start + last.partners.length : 0)
  const rows = Array.from({ length: MAX_GAP + 2 }, () => new Uint32Array(size))
  const rowOf = (i: number) => rows[(i + rows.length) % rows.length] as Uint32Array
  const nearIn = { a: nearTo(a, direction), b: nearTo(b, direction) }
  for (let nth = 0; nth < matches.length; nth++) {
    const i = direction === 1 ? nth : matches.length - 1 - nth
    const row = rowOf(i)
    for (const j of matches[i - direction * rows.length]?.partners ?? []) row[j] = 0
    const { partners, start } = matches[i] as Matches[number]
    const nearA = nearIn.a[i] ?? 0
    for (let at = 0; at < partners.length; at++) {
      const j = partners[at] ?? 0
      const nearB = nearIn.b[j] ?? 0
      let longest = 0
      for (const { di, dj } of STEPS) {
        if (((nearA >> di) | (nearB >> dj)) & 1)
          longest = Math.max(longest, rowOf(i - direction * di)[j - direction * dj] ?? 0)
      }
      row[j] = lengths[start + at] = longest + 1
    }
  }
  return lengths
}

/** For each position of a text a set of bits: bit `step` when at most `MAX_OTHERS` tokens stand between it and the common token `step` before it. */
function nearTo(text: CommonTokens, direction: 1 | -1): Uint8Array {
  return Uint8Array.from(text.places, (place, at) => {
    let bits = 0
    for (let step = 1; step <= MAX_OTHERS + 1; step++) {
      const other = text.places[at - direction * step] ?? Number.POSITIVE_INFINITY
      if (Math.abs(place - other) - 1 <= MAX_OTHERS) bits |= 1 << step
    }
    return bits
  })
}

/** Adds the places between two neighbouring places that are near each other: what was woven into a copy belongs to it. */
export function addWoven(places: Set<number>): void {
  let before = Number.NEGATIVE_INFINITY
  for (const place of [...places].sort((a, b) => a - b)) {
    if (place - before <= MAX_GAP + 1) for (let between = before + 1; between < place; between++) places.add(between)
    before = place
  }
}

/** The tokens of a text that the other has, too, with their places in the text and the positions of each token among them. */
type CommonTokens = { tokens: readonly string[]; places: readonly number[]; at: ReadonlyMap<string, readonly number[]> }

function common(text: ComparedText, other: ComparedText): CommonTokens {
  const tokens: string[] = []
  const places: number[] = []
  const at = new Map<string, number[]>()
  for (const [place, token] of text.marked.entries()) {
    if (!other.vocabulary.has(token)) continue
    const list = at.get(token)
    if (list === undefined) at.set(token, [tokens.length])
    else if (list.length < MAX_PLACES) list.push(tokens.length)
    tokens.push(token)
    places.push(place)
  }
  return { tokens, places, at }
}

const placeOf = ({ places }: CommonTokens, at: number) => places[at] ?? 0
