import type { Nfa } from './nfa.ts'

/** A place in the grammar: a state, and where to go on when its rule has been read. Interned: equal places are one object. */
interface StackNode {
  readonly id: number
  readonly state: number
  readonly parent: StackNode | null
  /** Tokens that suffice to finish from here. */
  readonly cost: number
  readonly callers: Map<number, StackNode>
}

/** All that a text read so far may stand for. Interned, so that what is known of it is found again. */
export interface ParserState {
  readonly places: readonly StackNode[]
  /** Whether the text may end here. */
  readonly accepts: boolean
  /** Tokens that suffice to end. */
  readonly cost: number
  readonly next: (ParserState | null | undefined)[]
}

/** Places and standings kept before their tables begin anew. */
const MAX_STACK_NODES = 50_000

/**
 * Runs a grammar over bytes: a set of stacks, made deterministic on the way (Thompson, 1968; with stacks as in
 * generalised LR parsing, Tomita, 1985). What it has once found for a standing and a byte it never computes again.
 */
export class Automaton {
  start: ParserState
  private roots = new Map<number, StackNode>()
  private standings = new Map<string, ParserState>()
  private places = 0
  /** Whether from a state nothing is left of its rule but to end it. */
  private readonly tail: readonly boolean[]

  constructor(
    private readonly nfa: Nfa,
    rule: number,
    private readonly costs: Float64Array,
  ) {
    const { states } = nfa
    const ends = (at: number, depth = 0): boolean => {
      const { bytes, calls, skips, final } = states[at]!
      if (bytes.length + calls.length > 0 || depth > states.length) return false
      return final ? skips.length === 0 : skips.length === 1 && ends(skips[0]!, depth + 1)
    }
    this.tail = states.map((_, at) => ends(at))
    this.rule = rule
    this.start = this.standing([this.place(rule, null)])
  }

  private readonly rule: number

  /** Where one more byte leads; null where no text of the grammar goes on so. */
  step(from: ParserState, byte: number): ParserState | null {
    const known = from.next[byte]
    if (known !== undefined) return known
    if (this.places > MAX_STACK_NODES) this.forget()
    const reached: StackNode[] = []
    for (const { state, parent } of from.places)
      for (const { low, high, to } of this.nfa.states[state]!.bytes)
        if (byte >= low && byte <= high) reached.push(this.place(to, parent))
    const found = this.standing(reached)
    return (from.next[byte] = found.places.length > 0 || found.accepts ? found : null)
  }

  /** Standings in use live on; they are only no longer found again. */
  private forget(): void {
    this.roots = new Map()
    this.standings = new Map()
    this.places = 0
    this.start = this.standing([this.place(this.rule, null)])
  }

  private place(state: number, parent: StackNode | null): StackNode {
    const siblings = parent ? parent.callers : this.roots
    let place = siblings.get(state)
    if (!place) {
      const cost = this.costs[state]! + (parent?.cost ?? 0)
      siblings.set(state, (place = { id: this.places++, state, parent, cost, callers: new Map() }))
    }
    return place
  }

  /** What the places come to when everything is followed that needs no byte. */
  private standing(from: readonly StackNode[]): ParserState {
    const { states } = this.nfa
    const seen = new Set<StackNode>()
    const places: StackNode[] = []
    let accepts = false
    const follow = (place: StackNode): void => {
      if (seen.has(place) || place.cost === Number.POSITIVE_INFINITY) return
      seen.add(place)
      const { bytes, calls, skips, final } = states[place.state]!
      if (bytes.length > 0) places.push(place)
      if (final) {
        if (place.parent) follow(place.parent)
        else accepts = true
      }
      for (const to of skips) follow(this.place(to, place.parent))
      // A call with nothing after it leaves no trace, so that a rule may end in itself.
      for (const { rule, to } of calls)
        follow(this.place(rule, this.tail[to] ? place.parent : this.place(to, place.parent)))
    }
    for (const place of from) follow(place)
    places.sort((a, b) => a.id - b.id)
    const key = `${accepts} ${places.map(({ id }) => id)}`
    let standing = this.standings.get(key)
    if (!standing) {
      const cost = accepts ? 0 : places.reduce((least, place) => Math.min(least, place.cost), Number.POSITIVE_INFINITY)
      this.standings.set(key, (standing = { places, accepts, cost, next: [] }))
    }
    return standing
  }
}
