// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** An edge that reads one byte from `low` to `high`. */
export interface ByteEdge {
  low: number
  high: number
  to: number
}

/** An edge that reads a text of a rule and continues at `to`. */
export interface CallEdge {
  rule: number
  to: number
}

export interface NfaState {
  bytes: ByteEdge[]
  calls: CallEdge[]
  /** Epsilon edges: states reached without reading. */
  skips: number[]
  /** Whether the state's rule may end here. */
  final: boolean
}

/** Maximum number of states of a grammar: far more than any hand-written schema needs, and some tens of megabytes. */
const MAX_STATES = 200_000

/** The grammar is too large. */
export class GrammarSizeError extends Error {
  override name = 'GrammarSizeError'
}

/**
 * A nondeterministic automaton over bytes. Its edges can call rules, so it can describe nested texts: a recursive transition
 * network (Woods, 1970). A rule is identified by its first state.
 */
export class Nfa {
  readonly states: NfaState[] = []

  state(): number {
    if (this.states.length === MAX_STATES)
      throw new GrammarSizeError(
        `The grammar needs more than ${MAX_STATES} states. Use shorter strings or fewer items.`,
      )
    return this.states.push({ bytes: [], calls: [], skips: [], final: false }) - 1
  }

  /** Adds a rule that reads `fragment`. Without one, call `fill` later: for rules that call each other. */
  rule(fragment?: Fragment): number {
    const start = this.state()
    if (fragment) this.fill(start, fragment)
    return start
  }

  fill(rule: number, fragment: Fragment): void {
    this.states[fragment(this, rule)]!.final = true
  }
}

/** A fragment of a grammar (Thompson, 1968): adds edges from a state and returns the state where they end. */
export type Fragment = (nfa: Nfa, from: number) => number

/** Reads one byte from `low` to `high`. */
export const byteRange =
  (low: number, high = low): Fragment =>
  (nfa, from) => {
    const to = nfa.state()
    nfa.states[from]!.bytes.push({ low, high, to })
    return to
  }

/** Reads exactly this text, in UTF-8. */
export const literalText = (literal: string): Fragment =>
  sequence(...Array.from(new TextEncoder().encode(literal), (each) => byteRange(each)))

/** Reads a rule. */
export const call =
  (rule: number): Fragment =>
  (nfa, from) => {
    const to = nfa.state()
    nfa.states[from]!.calls.push({ rule, to })
    return to
  }

export const sequence =
  (...fragments: readonly Fragment[]): Fragment =>
  (nfa, from) =>
    fragments.reduce((at, fragment) => fragment(nfa, at), from)

/** Reads one of the fragments. */
export const choice =
  (...fragments: readonly Fragment[]): Fragment =>
  (nfa, from) => {
    const end = nfa.state()
    for (const fragment of fragments) {
      const start = nfa.state()
      nfa.states[from]!.skips.push(start)
      nfa.states[fragment(nfa, start)]!.skips.push(end)
    }
    return end
  }

export const optional = (fragment: Fragment): Fragment => choice(fragment, sequence())

/** Reads the fragment `min` to `max` times. */
export const repeat =
  (fragment: Fragment, min: number, max = Number.POSITIVE_INFINITY): Fragment =>
  (nfa, from) => {
    let at = from
    for (let count = 0; count < min; count++) at = fragment(nfa, at)
    const end = nfa.state()
    nfa.states[at]!.skips.push(end)
    if (max === Number.POSITIVE_INFINITY) {
      const again = nfa.state()
      nfa.states[at]!.skips.push(again)
      nfa.states[fragment(nfa, again)]!.skips.push(again, end)
      return end
    }
    for (let count = min; count < max; count++) {
      at = fragment(nfa, at)
      nfa.states[at]!.skips.push(end)
    }
    return end
  }
