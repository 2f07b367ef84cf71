// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Nfa } from './nfa.ts'

/** A node of the parser's stacks: a state of the automaton, and the node to return to after its rule. Interned: equal nodes are one object. */
interface StackNode {
  readonly id: number
  readonly state: number
  readonly parent: StackNode | null
  /** Number of tokens that is enough to finish the text from here. */
  readonly cost: number
  readonly children: Map<number, StackNode>
}

/** The set of stacks that the bytes read so far can lead to. Interned, so that cached results are found again. */
export interface ParserState {
  readonly nodes: readonly StackNode[]
  /** Whether the text may end here. */
  readonly accepts: boolean
  /** Number of tokens that is enough to end the text. */
  readonly cost: number
  readonly next: (ParserState | null | undefined)[]
}

/** Maximum number of stack nodes before the tables are reset. */
const MAX_STACK_NODES = 50_000

/**
 * Runs a grammar over bytes. It keeps a set of stacks and makes the automaton deterministic lazily (Thompson, 1968; stacks as
 * in generalised LR parsing, Tomita, 1985). The result of a state and a byte is cached in the state.
 */
export class Automaton {
  start: ParserState
  private roots = new Map<number, StackNode>()
  private parserStates = new Map<string, ParserState>()
  private nodeCount = 0
  /** Whether nothing remains of a state's rule but its end. */
  private readonly onlyEnds: readonly boolean[]

  constructor(
    private readonly nfa: Nfa,
    private readonly rule: number,
    private readonly costs: Float64Array,
  ) {
    const { states } = nfa
    const ends = (at: number, depth = 0): boolean => {
      const { bytes, calls, skips, final } = states[at]!
      if (bytes.length + calls.length > 0 || depth > states.length) return false
      return final ? skips.length === 0 : skips.length === 1 && ends(skips[0]!, depth + 1)
    }
    this.onlyEnds = states.map((_, at) => ends(at))
    this.start = this.closure([this.node(rule, null)])
  }

  /** The state after one more byte; null if no text of the grammar continues with it. */
  step(from: ParserState, byte: number): ParserState | null {
    const known = from.next[byte]
    if (known !== undefined) return known
    if (this.nodeCount > MAX_STACK_NODES) this.reset()
    const reached: StackNode[] = []
    for (const { state, parent } of from.nodes)
      for (const { low, high, to } of this.nfa.states[state]!.bytes)
        if (byte >= low && byte <= high) reached.push(this.node(to, parent))
    const found = this.closure(reached)
    return (from.next[byte] = found.nodes.length > 0 || found.accepts ? found : null)
  }

  /** Empties the tables. States in use stay valid; they are only not shared with new ones. */
  private reset(): void {
    this.roots = new Map()
    this.parserStates = new Map()
    this.nodeCount = 0
    this.start = this.closure([this.node(this.rule, null)])
  }

  private node(state: number, parent: StackNode | null): StackNode {
    const siblings = parent ? parent.children : this.roots
    let node = siblings.get(state)
    if (!node) {
      const cost = this.costs[state]! + (parent?.cost ?? 0)
      siblings.set(state, (node = { id: this.nodeCount++, state, parent, cost, children: new Map() }))
    }
    return node
  }

  /** The epsilon closure: everything that can be reached from the nodes without reading a byte. */
  private closure(from: readonly StackNode[]): ParserState {
    const { states } = this.nfa
    const seen = new Set<StackNode>()
    const nodes: StackNode[] = []
    let accepts = false
    const follow = (node: StackNode): void => {
      if (seen.has(node) || node.cost === Number.POSITIVE_INFINITY) return
      seen.add(node)
      const { bytes, calls, skips, final } = states[node.state]!
      if (bytes.length > 0) nodes.push(node)
      if (final) {
        if (node.parent) follow(node.parent)
        else accepts = true
      }
      for (const to of skips) follow(this.node(to, node.parent))
      // Tail call: if nothing follows the call, no return node is pushed, so that recursion at a rule's end needs no stack.
      for (const { rule, to } of calls)
        follow(this.node(rule, this.onlyEnds[to] ? node.parent : this.node(to, node.parent)))
    }
    for (const node of from) follow(node)
    nodes.sort((a, b) => a.id - b.id)
    const key = `${accepts} ${nodes.map(({ id }) => id)}`
    let found = this.parserStates.get(key)
    if (!found) {
      const cost = accepts ? 0 : nodes.reduce((least, node) => Math.min(least, node.cost), Number.POSITIVE_INFINITY)
      this.parserStates.set(key, (found = { nodes, accepts, cost, next: [] }))
    }
    return found
  }
}
