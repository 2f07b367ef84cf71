// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Nfa, NfaState } from './nfa.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The cost of a token that the grammar does not allow. */
export const REJECTED = 0xffff

/**
 * For each state, a number of tokens that is enough to reach the end of its rule; infinite if no text does. This upper bound
 * uses one-byte tokens, and longer tokens along literal texts. If it is c > 0, some token leads to a state with at most c - 1.
 */
export function tokensToEnd({ states }: Nfa, vocabulary: Vocabulary): Float64Array {
  const costs = new Float64Array(states.length).fill(Number.POSITIVE_INFINITY)
  const targets = states.map((_, from) => tokenTargets(states, from, vocabulary))
  const best = (at: number): number => {
    const { calls, skips, final } = states[at]!
    if (final) return 0
    let least = costs[at]!
    for (const to of targets[at]!) least = Math.min(least, 1 + costs[to]!)
    for (const to of skips) least = Math.min(least, costs[to]!)
    for (const { rule, to } of calls) least = Math.min(least, costs[rule]! + costs[to]!)
    return least
  }
  for (let settled = false; !settled; ) {
    settled = true
    for (let at = states.length - 1; at >= 0; at--) {
      const least = best(at)
      if (least < costs[at]!) {
        costs[at] = least
        settled = false
      }
    }
  }
  return costs
}

/** States that certainly can be reached by one token: by one byte, or along a literal text. */
function tokenTargets(states: readonly NfaState[], from: number, vocabulary: Vocabulary): number[] {
  const found: number[] = []
  for (const { low, high, to } of states[from]!.bytes)
    for (let byte = low; byte <= high; byte++)
      if (vocabulary.hasByte(byte)) {
        found.push(to)
        break
      }
  const path: number[] = []
  for (const length of vocabulary.prefixes(literalFrom(states, from, path)))
    if (length > 1) found.push(path[length - 1]!)
  return found
}

/** The bytes of the literal text that starts at a state. Adds the state after each byte to `path`. */
function* literalFrom(states: readonly NfaState[], from: number, path: number[]): Iterable<number> {
  for (let at = from; ; ) {
    const { bytes, calls, skips, final } = states[at]!
    if (final || calls.length > 0 || bytes.length + skips.length !== 1) return
    if (skips.length === 1) {
      at = skips[0]!
      continue
    }
    const { low, high, to } = bytes[0]!
    if (low !== high) return
    path.push(to)
    yield low
    at = to
  }
}
