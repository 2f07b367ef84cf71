/** Rule 3, amendment 4b (copies): 5-grams of one text that another holds in the same order, whatever was put between their tokens. */

import { SHINGLE_TOKENS } from './shingles.ts'

/** Tokens that may stand between two neighbours of a 5-gram: a copy with up to three filler words after every word is still a copy. */
export const MAX_GAP = 3

/** Places remembered per token of a text, so that a text of few different tokens does not make a comparison quadratic. */
const MAX_PLACES = 64

/** A text that other texts are compared with. */
export class GappedText {
  readonly marked: readonly string[]
  private readonly places = new Map<string, number[]>()

  constructor(tokens: readonly string[]) {
    this.marked = ['^', ...tokens, '$']
    this.marked.forEach((token, at) => {
      const list = this.places.get(token)
      if (list === undefined) this.places.set(token, [at])
      else if (list.length < MAX_PLACES) list.push(at)
    })
  }

  /** Whether the text holds the tokens of `gram` in order, with at most `MAX_GAP` others between two of them. */
  holds(gram: string): boolean {
    let reached: number[] | undefined
    for (const token of gram.split(' ')) {
      const places = this.places.get(token)
      if (places === undefined) return false
      reached = reached === undefined ? places : within(reached, places)
      if (reached.length === 0) return false
    }
    return true
  }

  /** The places of the text's tokens that stand in a 5-gram which `other` holds. The seam between two moved parts thus costs nothing. */
  coveredBy(other: GappedText): Set<number> {
    const covered = new Set<number>()
    for (let at = 0; at === 0 || at + SHINGLE_TOKENS <= this.marked.length; at++) {
      const gram = this.marked.slice(at, at + SHINGLE_TOKENS)
      if (other.holds(gram.join(' '))) for (const place of gram.keys()) covered.add(at + place)
    }
    covered.delete(0)
    covered.delete(this.marked.length - 1)
    return covered
  }

  /** How many tokens it has, without the marks at its ends. */
  get length(): number {
    return this.marked.length - 2
  }

  /** The pairs of tokens with fewer than `distance` others between them. */
  *pairs(distance: number): Iterable<string> {
    for (const [at, first] of this.marked.entries())
      for (const second of this.marked.slice(at + 1, at + 1 + distance)) yield `${first} ${second}`
  }

  /** Whether it is long enough that holding all of it is no chance: a short phrase takes nothing from a longer sample. */
  get isLong(): boolean {
    return this.marked.length >= 3 * SHINGLE_TOKENS
  }
}

/** The places that follow one of `reached` after at most `MAX_GAP` others; both lists ascend. */
function within(reached: readonly number[], places: readonly number[]): number[] {
  const next: number[] = []
  let before = 0
  for (const place of places) {
    while (before < reached.length && (reached[before] ?? place) < place - MAX_GAP - 1) before++
    if ((reached[before] ?? place) < place) next.push(place)
  }
  return next
}
