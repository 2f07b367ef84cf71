/** Rule 3, amendment 4b (copies): the parts of two texts that are the same, whatever was put between, replaced or moved. */

import { mulDiv, PPM } from './bps.ts'

/** Tokens that make a chain: fewer in the same order are no sign of a copy. */
const CHAIN = 5

/** Of the tokens that both texts have, this many others may stand between two neighbours of a chain. */
const MAX_GAP = 3

/** In at least one of the two texts, at most this many tokens of any kind stand between two neighbours of a chain. */
const MAX_OTHERS = 1

/** How far two neighbours of a chain may be apart in one text and in the other, in common tokens. */
const STEPS = Array.from({ length: MAX_GAP + 1 }, (_, i) => i + 1).flatMap((di) =>
  Array.from({ length: MAX_GAP + 2 - di }, (_, j): [number, number] => [di, j + 1]),
)

/** Places remembered per token of a text, so that a text of few different tokens does not make a comparison quadratic. */
const MAX_PLACES = 64

/** A text that other texts are compared with. */
export class ComparedText {
  /** Its tokens between marks for its ends, so that short texts have chains as well. */
  readonly marked: readonly string[]
  readonly vocabulary: ReadonlySet<string>
  private knownRuns?: ReadonlyMap<string, readonly number[]>

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

  /** Where each run of five tokens begins. */
  get runs(): ReadonlyMap<string, readonly number[]> {
    this.knownRuns ??= runsOf(this.marked)
    return this.knownRuns
  }

  /** What copies share with it: its tokens, and the pairs of those that stand near each other. */
  *keys(): Iterable<string> {
    yield* this.vocabulary
    for (const [at, first] of this.marked.entries())
      for (const second of this.marked.slice(at + 1, at + 2 + MAX_GAP)) yield `${first} ${second}`
  }
}

function runsOf(tokens: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const runs = new Map<string, number[]>()
  for (let start = 0; start + CHAIN <= tokens.length; start++) {
    const run = tokens.slice(start, start + CHAIN).join(' ')
    const starts = runs.get(run)
    if (starts === undefined) runs.set(run, [start])
    else starts.push(start)
  }
  return runs
}

/** Places of tokens in a later text that an earlier one has as well, and in the earlier text. */
export type SharedPlaces = { later: Set<number>; earlier: Set<number> }

/** The places in runs of five or more tokens that both texts have without anything between. */
export function sameRuns(later: ComparedText, earlier: ComparedText): SharedPlaces {
  return { later: runsIn(later, earlier), earlier: runsIn(earlier, later) }
}

function runsIn(text: ComparedText, other: ComparedText): Set<number> {
  const places = new Set<number>()
  for (const [run, starts] of text.runs)
    if (other.runs.has(run)) for (const start of starts) for (let nth = 0; nth < CHAIN; nth++) places.add(start + nth)
  return places
}

/**
 * The places in chains of five or more tokens that stand in both texts in the same order and near each other. Tokens that only one of the texts
 * has are left out first, so that neither fillers nor replaced words nor parts left out hide what the texts share.
 */
export function sameChains(later: ComparedText, earlier: ComparedText): SharedPlaces {
  const [a, b] = [common(later, earlier), common(earlier, later)]
  const matches = a.tokens.flatMap((token, i) => (b.at.get(token) ?? []).map((j) => ({ i, j })))
  const key = (i: number, j: number) => i * b.tokens.length + j
  const isNear = (i: number, j: number, di: number, dj: number) => Math.min(gap(a, i, di), gap(b, j, dj)) <= MAX_OTHERS
  const forwards = new Map<number, number>()
  for (const { i, j } of matches) {
    let longest = 0
    for (const [di, dj] of STEPS)
      if (i >= di && j >= dj && isNear(i - di, j - dj, di, dj))
        longest = Math.max(longest, forwards.get(key(i - di, j - dj)) ?? 0)
    forwards.set(key(i, j), longest + 1)
  }
  const backwards = new Map<number, number>()
  const found = { later: new Set<number>(), earlier: new Set<number>() }
  const length = Math.min(CHAIN, later.marked.length, earlier.marked.length)
  for (const { i, j } of matches.reverse()) {
    let longest = 0
    for (const [di, dj] of STEPS)
      if (j + dj < b.tokens.length && isNear(i, j, di, dj))
        longest = Math.max(longest, backwards.get(key(i + di, j + dj)) ?? 0)
    backwards.set(key(i, j), longest + 1)
    if (longest + (forwards.get(key(i, j)) ?? 0) < length) continue
    found.later.add(placeOf(a, i))
    found.earlier.add(placeOf(b, j))
  }
  return found
}

/** Adds the places between two neighbouring places that are near each other: what was woven into a copy belongs to it. */
export function addWoven(places: Set<number>): void {
  let before: number | undefined
  for (const place of [...places].sort((a, b) => a - b)) {
    if (before !== undefined && place - before <= MAX_GAP + 1)
      for (let between = before + 1; between < place; between++) places.add(between)
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

/** How many tokens of the text stand between a common token and the one `step` further. */
const gap = (text: CommonTokens, at: number, step: number) => placeOf(text, at + step) - placeOf(text, at) - 1
