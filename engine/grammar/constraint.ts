import type { ParserState } from './automaton.ts'
import { REJECTED } from './costs.ts'
import type { Grammar } from './grammar.ts'

/** One answer under a grammar: which tokens may come next, until it is complete. */
export class Constraint {
  private standing: ParserState

  constructor(
    private readonly grammar: Grammar,
    private readonly endId: number | null,
  ) {
    this.standing = grammar.automaton.start
  }

  /** Whether the answer may end here. */
  get accepts(): boolean {
    return this.standing.accepts
  }

  /** Whether it must. */
  get complete(): boolean {
    return this.standing.accepts && this.standing.places.length === 0
  }

  /**
   * 1 for each token that may come next when `remaining` tokens are left, this one included: only those after which the
   * answer can still be ended. Where that is out of reach from the start, those that come nearest to it.
   */
  allowed(remaining: number): Uint8Array {
    const costs = this.grammar.costsAt(this.standing)
    const ends = this.standing.accepts && this.endId !== null
    const most = Math.max(remaining - 1, ends ? 0 : nearest(costs))
    const allowed = new Uint8Array(costs.length)
    for (let token = 0; token < costs.length; token++)
      if (costs[token]! <= most && costs[token] !== REJECTED) allowed[token] = 1
    if (ends) allowed[this.endId!] = 1
    return allowed
  }

  /** @throws Error on a token that was not allowed. */
  advance(token: number): void {
    for (const byte of this.grammar.vocabulary.bytesOf(token) ?? []) {
      const next = this.grammar.automaton.step(this.standing, byte)
      if (!next) throw new Error(`Token ${token} does not follow in the grammar.`)
      this.standing = next
    }
  }
}

const nearest = (costs: Uint16Array): number => {
  let least = REJECTED
  for (const cost of costs) if (cost < least) least = cost
  return least
}
