// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { MaxHeap } from './maxHeap.ts'

/** A merge replaces two neighbouring tokens by the token `merged`. Merges are listed in the order in which they were learnt. */
export type Merge = { left: number; right: number; merged: number }

/**
 * Learns byte-pair merges (Sennrich et al., 2016) until there are `size` distinct tokens or no pair occurs `minCount` times.
 *
 * `words` maps a word (a string over `alphabet`) to its count. Ids start at `firstId`, in the order of the alphabet. Of
 * pairs with equal counts the one with smaller ids is merged first, so the result depends only on the counts. A merge
 * changes only the words that contain its pair, so the time is nearly linear in the number of distinct words.
 */
export function trainBpe(
  words: ReadonlyMap<string, number>,
  { alphabet, firstId, size, minCount }: { alphabet: string[]; firstId: number; size: number; minCount: number },
): { tokens: string[]; merges: Merge[] } {
  const tokens = [...alphabet]
  const idOf = new Map(tokens.map((token, i) => [token, firstId + i]))
  const sequences: number[][] = []
  const counts: number[] = []
  for (const [word, count] of words) {
    sequences.push(Array.from(word, (char) => idIn(idOf, char)))
    counts.push(count)
  }

  const pairCounts = new Map<number, number>()
  const holders = new Map<number, Set<number>>()
  const change = (pair: number, word: number, by: number) => {
    pairCounts.set(pair, (pairCounts.get(pair) ?? 0) + by)
    if (by > 0) holders.set(pair, (holders.get(pair) ?? new Set()).add(word))
  }
  for (const [word, ids] of sequences.entries()) {
    for (let i = 0; i + 1 < ids.length; i++) change(pairKey(ids[i]!, ids[i + 1]!), word, counts[word]!)
  }
  // A heap entry may be outdated: its count is compared with pairCounts when it is popped.
  const heap = new MaxHeap<{ pair: number; count: number }>(
    (a, b) => a.count > b.count || (a.count === b.count && a.pair < b.pair),
  )
  for (const [pair, count] of pairCounts) heap.push({ pair, count })

  const merges: Merge[] = []
  while (tokens.length < size) {
    const best = heap.pop()
    if (!best || best.count < minCount) break
    const current = pairCounts.get(best.pair) ?? 0
    if (current !== best.count) {
      if (current > 0 && current < best.count) heap.push({ pair: best.pair, count: current })
      continue
    }
    const [left, right] = [Math.floor(best.pair / pairBase), best.pair % pairBase]
    const text = tokens[left - firstId]! + tokens[right - firstId]!
    let merged = idOf.get(text)
    if (merged === undefined) {
      merged = firstId + tokens.length
      tokens.push(text)
      idOf.set(text, merged)
    }
    merges.push({ left, right, merged })

    const touched = new Set<number>()
    for (const word of holders.get(best.pair) ?? []) {
      sequences[word] = mergeWord(sequences[word]!, left, right, merged, (pair, by) => {
        change(pair, word, by * counts[word]!)
        touched.add(pair)
      })
    }
    pairCounts.delete(best.pair)
    holders.delete(best.pair)
    touched.delete(best.pair)
    for (const pair of touched) {
      const count = pairCounts.get(pair) ?? 0
      if (count > 0) heap.push({ pair, count })
      else {
        pairCounts.delete(pair)
        holders.delete(pair)
      }
    }
  }
  return { tokens, merges }
}

/** Replaces every `left right` by `merged`, from the left. Reports each pair that was added (+1) or removed (-1). */
function mergeWord(
  ids: number[],
  left: number,
  right: number,
  merged: number,
  report: (pair: number, by: number) => void,
) {
  const out: number[] = []
  for (let i = 0; i < ids.length; i++) {
    const found = ids[i] === left && ids[i + 1] === right
    out.push(found ? merged : ids[i]!)
    if (found) i++
  }
  if (out.length === ids.length) return ids
  for (let i = 0; i + 1 < ids.length; i++) report(pairKey(ids[i]!, ids[i + 1]!), -1)
  for (let i = 0; i + 1 < out.length; i++) report(pairKey(out[i]!, out[i + 1]!), 1)
  return out
}

function idIn(ids: ReadonlyMap<string, number>, char: string): number {
  const id = ids.get(char)
  if (id === undefined) throw new Error(`A word contains ${JSON.stringify(char)}, which is not in the alphabet.`)
  return id
}

/** A pair of ids is stored as one number: `left * pairBase + right`. Its order is the order by left id, then by right id. */
const pairBase = 2 ** 26

function pairKey(left: number, right: number): number {
  return left * pairBase + right
}
