import { Automaton, type ParserState } from './automaton.ts'
import { REJECTED, tokensToEnd } from './costs.ts'
import type { Nfa } from './nfa.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Masks kept. */
const MAX_CACHED_MASKS = 256

/** A grammar over the tokens of a vocabulary. One may constrain many answers at a time; they share what it has found. */
export class Grammar {
  readonly automaton: Automaton
  private readonly known = new Map<ParserState, Uint16Array>()

  /** @throws Error when no text of finite length is in the grammar, or none that the vocabulary can spell. */
  constructor(
    nfa: Nfa,
    rule: number,
    readonly vocabulary: Vocabulary,
  ) {
    this.automaton = new Automaton(nfa, rule, tokensToEnd(nfa, vocabulary))
    if (this.automaton.start.cost === Number.POSITIVE_INFINITY)
      throw new Error('No finite text satisfies the schema: something in it requires itself.')
  }

  /** Tokens that suffice for an answer, and may be more than the shortest needs. */
  get minTokens(): number {
    return this.automaton.start.cost
  }

  /** For each token, how many more suffice after it, at most 65,534; `REFUSED` for one that may not come. */
  costsAt(standing: ParserState): Uint16Array {
    let costs = this.known.get(standing)
    if (costs) this.known.delete(standing)
    else costs = this.walk(standing)
    this.known.set(standing, costs)
    if (this.known.size > MAX_CACHED_MASKS) this.known.delete(this.known.keys().next().value!)
    return costs
  }

  /** One walk over the tree of the vocabulary, which leaves a branch where the grammar does. */
  private walk(standing: ParserState): Uint16Array {
    const { byte, depth, end, tokens, deepest, size } = this.vocabulary
    const costs = new Uint16Array(size).fill(REJECTED)
    const path = new Array<ParserState>(deepest + 1)
    path[0] = standing
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
