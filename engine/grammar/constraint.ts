// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { ParserState } from './automaton.ts'
import { REJECTED } from './costs.ts'
import type { Grammar } from './grammar.ts'

/**
 * The state of one answer under a grammar: which tokens may come next.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { Constraint } from '#engine/grammar/constraint.ts'
 * import { jsonGrammar } from '#engine/grammar/jsonGrammar.ts'
 * import { Vocabulary } from '#engine/grammar/vocabulary.ts'
 * import { Tokenizer } from '#engine/text/tokenizer.ts'
 * import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
 *
 * const tokenizer = new Tokenizer(trainTokenizer([], { vocabSize: 260 })) // 4 special tokens and the 256 bytes
 * const constraint = new Constraint(jsonGrammar({ enum: ['a', 'b'] }, new Vocabulary(tokenizer)), [])
 * const [quote = 0] = tokenizer.encode('"')
 * assert.equal(constraint.allowed(10).reduce((sum, each) => sum + each, 0), 1) // only the quote may come first
 * constraint.advance(quote)
 * assert.equal(constraint.allowed(10).reduce((sum, each) => sum + each, 0), 2) // then a or b
 * ```
 */
export class Constraint {
  private state: ParserState

  constructor(
    private readonly grammar: Grammar,
    private readonly endIds: readonly number[],
  ) {
    this.state = grammar.automaton.start
  }

  /** Whether the answer may end here. */
  get accepts(): boolean {
    return this.state.accepts
  }

  /** Whether the answer must end here. */
  get complete(): boolean {
    return this.state.accepts && this.state.nodes.length === 0
  }

  /**
   * 1 for each token that may come next when `remaining` tokens are left, including this one. Only tokens after which the
   * answer can still end are allowed; if `remaining` is too small for that, the tokens that come nearest to an end.
   */
  allowed(remaining: number): Uint8Array {
    const costs = this.grammar.costsAt(this.state)
    const ends = this.state.accepts ? this.endIds : []
    const maxCost = Math.max(remaining - 1, ends.length === 0 ? minimum(costs) : 0)
    const allowed = new Uint8Array(costs.length)
    for (let token = 0; token < costs.length; token++)
      if (costs[token]! <= maxCost && costs[token] !== REJECTED) allowed[token] = 1
    for (const id of ends) allowed[id] = 1
    return allowed
  }

  /** Reads a token. @throws Error when the grammar does not allow it. */
  advance(token: number): void {
    for (const byte of this.grammar.vocabulary.bytesOf(token) ?? []) {
      const next = this.grammar.automaton.step(this.state, byte)
      if (!next) throw new Error(`The grammar does not allow token ${token} here.`)
      this.state = next
    }
  }
}

const minimum = (costs: Uint16Array): number => {
  let least = REJECTED
  for (const cost of costs) if (cost < least) least = cost
  return least
}
