import { MaxHeap } from './maxHeap.ts'

/** Merges in the order learnt: each turns two neighbouring tokens into one, whose id is `merged`. */
export type Merge = { left: number; right: number; merged: number }

/**
 * Learns byte-pair merges (Sennrich et al., 2016) until `size` distinct tokens exist or no pair occurs `minCount` times.
 *
 * `words` maps a word, as a string of tokens from `alphabet`, to how often it occurs; ids start at `firstId`, in order of
 * the alphabet. Among pairs of equal count the one of smaller ids is merged first, so the result depends on the counts
 * alone. A merge touches only the words that hold its pair: near-linear time in the distinct words.
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
    sequences.push(Array.from(word, (char) => idOf.get(char)!))
    counts.push(count)
  }

  const pairCounts = new Map<number, number>()
  const holders = new Map<number, Set<number>>()
  const change = (pair: number, word: number, by: number) => {
    pairCounts.set(pair, (pairCounts.get(pair) ?? 0) + by)
    if (by > 0) holders.set(pair, (holders.get(pair) ?? new Set()).add(word))
  }
  for (const [word, ids] of sequences.entries()) {
    for (let i = 0; i + 1 < ids.length; i++) change(pairKey(ids[i], ids[i + 1]), word, counts[word])
  }
  // A candidate may be out of date: it is checked against pairCounts when it surfaces.
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
    const text = tokens[left - firstId] + tokens[right - firstId]
    let merged = idOf.get(text)
    if (merged === undefined) {
      merged = firstId + tokens.length
      tokens.push(text)
      idOf.set(text, merged)
    }
    merges.push({ left, right, merged })

    const touched = new Set<number>()
    for (const word of holders.get(best.pair)!) {
      sequences[word] = mergeWord(sequences[word], left, right, merged, (pair, by) => {
        change(pair, word, by * counts[word])
        touched.add(pair)
      })
    }
    pairCounts.delete(best.pair)
    holders.delete(best.pair)
    touched.delete(best.pair)
    for (const pair of touched) {
      const count = pairCounts.get(pair)!
      if (count > 0) heap.push({ pair, count })
      else {
        pairCounts.delete(pair)
        holders.delete(pair)
      }
    }
  }
  return { tokens, merges }
}

/** Replaces `left right` by `merged` from the left, reporting every pair that came (+1) or went (-1). */
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
    out.push(found ? merged : ids[i])
    if (found) i++
  }
  if (out.length === ids.length) return ids
  for (let i = 0; i + 1 < ids.length; i++) report(pairKey(ids[i], ids[i + 1]), -1)
  for (let i = 0; i + 1 < out.length; i++) report(pairKey(out[i], out[i + 1]), 1)
  return out
}

/** Two ids in one number; ordering by it orders by the left id and then the right. */
const pairBase = 2 ** 26

function pairKey(left: number, right: number): number {
  return left * pairBase + right
}
