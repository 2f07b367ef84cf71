// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { LRUCache } from 'lru-cache'
import { Automaton, type ParserState } from './automaton.ts'
import { REJECTED, tokensToEnd } from './costs.ts'
import type { Nfa } from './nfa.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Maximum number of cached cost tables. */
const MAX_CACHED_COSTS = 256

/** A grammar over the tokens of a vocabulary. Several answers can use one grammar at a time; they share its caches. */
export class Grammar {
  readonly automaton: Automaton
  private readonly cache = new LRUCache<ParserState, Uint16Array>({ max: MAX_CACHED_COSTS })

  /** @throws Error when the grammar contains no finite text, or none that the vocabulary can encode. */
  constructor(
    nfa: Nfa,
    rule: number,
    readonly vocabulary: Vocabulary,
  ) {
    this.automaton = new Automaton(nfa, rule, tokensToEnd(nfa, vocabulary))
    if (this.automaton.start.cost === Number.POSITIVE_INFINITY)
      throw new Error('No finite text satisfies the schema: it requires itself recursively.')
  }

  /** A number of tokens that is enough for an answer; the shortest answer may need fewer. */
  get minTokens(): number {
    return this.automaton.start.cost
  }

  /** For each token, a number of further tokens that is enough to end, at most 65,534; `REJECTED` if the token is not allowed. */
  costsAt(state: ParserState): Uint16Array {
    let costs = this.cache.get(state)
    if (!costs) {
      costs = this.computeCosts(state)
      this.cache.set(state, costs)
    }
    return costs
  }

  /** Walks over the vocabulary's prefix tree once and skips each branch that the grammar does not allow. */
  private computeCosts(state: ParserState): Uint16Array {
    const { byte, depth, end, tokens, maxDepth, size } = this.vocabulary
    const costs = new Uint16Array(size).fill(REJECTED)
    const path = new Array<ParserState>(maxDepth + 1)
    path[0] = state
    for (let at = 0; at < byte.length; ) {
      const reached = this.automaton.step(path[depth[at]!]!, byte[at]!)
      if (!reached) {
        at = end[at]!
        continue
      }
      path[depth[at]! + 1] = reached
      for (const token of tokens[at]!) costs[token] = Math.min(reached.cost, REJECTED - 1)
      at++
    }
    return costs
  }
}
