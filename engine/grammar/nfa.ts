/** An edge that reads one byte from `low` to `high`. */
export interface ByteEdge {
  low: number
  high: number
  to: number
}

/** An edge that reads whatever a rule reads, and goes on at `to`. */
export interface CallEdge {
  rule: number
  to: number
}

export interface NfaState {
  bytes: ByteEdge[]
  calls: CallEdge[]
  /** States reached without reading. */
  skips: number[]
  /** Whether the rule that the state belongs to may end here. */
  final: boolean
}

/** Most states of one grammar: far above any schema written by hand, and some tens of megabytes. */
const MAX_STATES = 200_000

/** Too large a grammar. */
export class GrammarSizeError extends Error {
  override name = 'GrammarSizeError'
}

/**
 * A nondeterministic automaton over bytes whose edges may call rules, so that it describes nested texts: a recursive
 * transition network (Woods, 1970). A rule is named by its first state; the first rule made is where a text begins.
 */
export class Nfa {
  readonly states: NfaState[] = []

  state(): number {
    if (this.states.length === MAX_STATES)
      throw new GrammarSizeError(`The grammar passes ${MAX_STATES} states. Ask for shorter strings or fewer items.`)
    return this.states.push({ bytes: [], calls: [], skips: [], final: false }) - 1
  }

  /** A rule that reads `part`, or one to be filled in later, when rules need each other. */
  rule(part?: Fragment): number {
    const start = this.state()
    if (part) this.fill(start, part)
    return start
  }

  fill(rule: number, part: Fragment): void {
    this.states[part(this, rule)]!.final = true
  }
}

/** A piece of a grammar: it draws edges that start at a state and gives the state where they end. */
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
  (...parts: readonly Fragment[]): Fragment =>
  (nfa, from) =>
    parts.reduce((at, part) => part(nfa, at), from)

/** Reads one of the parts. */
export const choice =
  (...parts: readonly Fragment[]): Fragment =>
  (nfa, from) => {
    const end = nfa.state()
    for (const part of parts) {
      const start = nfa.state()
      nfa.states[from]!.skips.push(start)
      nfa.states[part(nfa, start)]!.skips.push(end)
    }
    return end
  }

export const optional = (part: Fragment): Fragment => choice(part, sequence())

/** Reads the part from `min` to `max` times. */
export const repeat =
  (part: Fragment, min: number, max = Number.POSITIVE_INFINITY): Fragment =>
  (nfa, from) => {
    let at = from
    for (let count = 0; count < min; count++) at = part(nfa, at)
    const end = nfa.state()
    nfa.states[at]!.skips.push(end)
    if (max === Number.POSITIVE_INFINITY) {
      const again = nfa.state()
      nfa.states[at]!.skips.push(again)
      nfa.states[part(nfa, again)]!.skips.push(again, end)
      return end
    }
    for (let count = min; count < max; count++) {
      at = part(nfa, at)
      nfa.states[at]!.skips.push(end)
    }
    return end
  }
