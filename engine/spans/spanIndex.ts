// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { suffixArray } from './suffixArray.ts'

/** A maximal span of an answer that occurs verbatim in the training text. */
export type VerbatimSpan = {
  /** Position of its first token in the answer. */
  start: number
  /** Number of tokens. */
  length: number
  /** Number of occurrences in all documents. */
  count: number
  /** The first occurrences, by document and then position, at most `maxPositions`. */
  positions: { document: number; position: number }[]
}

/** The three arrays of an index. */
export type SpanArrays = {
  /** All documents, each followed by a 0; a token t is stored as t + 1. */
  text: Int32Array
  /** Start of each document in `text`, ascending. */
  starts: Int32Array
  /** The suffix array of `text`. */
  order: Int32Array
}

export type FindOptions = {
  /** Minimum number of tokens of a span. Default 8. */
  minLength?: number
  /** Maximum number of positions per span. Default 10. */
  maxPositions?: number
}

/**
 * Finds spans of an answer that occur verbatim in the training documents, as OLMoTrace does (Liu et al., 2025), by a suffix
 * array over tokens. A span never crosses a document boundary. A search needs O(m log n) comparisons for an answer of m
 * tokens. The index needs eight bytes per token and twelve per document.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { SpanIndex } from '#engine/spans/spanIndex.ts'
 *
 * const index = SpanIndex.build([[5, 6, 7, 8], [9, 6, 7, 1]]) // documents of token ids
 * const [longest] = index.find([3, 6, 7, 8], { minLength: 2 })
 * assert.deepEqual(longest, { start: 1, length: 3, count: 1, positions: [{ document: 0, position: 1 }] })
 * ```
 */
export class SpanIndex {
  constructor(readonly arrays: SpanArrays) {}

  /** Builds the index in linear time. A document is identified by its position. At most 2^31 tokens in total. */
  static build(documents: Iterable<ArrayLike<number>>): SpanIndex {
    const list = [...documents]
    const size = list.reduce((sum, document) => sum + document.length + 1, 0)
    if (size >= 2 ** 31) throw new Error(`An index can have at most 2^31 tokens, not ${size}. Build several indexes.`)
    const text = new Int32Array(size)
    const starts = new Int32Array(list.length)
    let at = 0
    let largest = 0
    for (const [d, document] of list.entries()) {
      starts[d] = at
      for (let i = 0; i < document.length; i++) {
        const token = checkedToken(document[i]!, () => `Token ${i} of document ${d}`)
        text[at++] = token + 1
        if (token > largest) largest = token
      }
      at++
    }
    return new SpanIndex({ text, starts, order: suffixArray(text, largest + 2) })
  }

  get documentCount(): number {
    return this.arrays.starts.length
  }

  /** Number of tokens in all documents. */
  get tokenCount(): number {
    return this.arrays.text.length - this.arrays.starts.length
  }

  /** Number of occurrences of this sequence of tokens; 0 for an empty one. */
  count(tokens: ArrayLike<number>): number {
    if (tokens.length === 0) return 0
    const query = shifted(tokens)
    const { low, high } = this.interval(query, 0, query.length)
    return high - low
  }

  /**
   * The verbatim spans of an answer: rarest first, then longest, then first. No span is inside another.
   * @throws Error on a value that is not a token id.
   */
  find(answer: ArrayLike<number>, { minLength = 8, maxPositions = 10 }: FindOptions = {}): VerbatimSpan[] {
    if (!(minLength >= 1)) throw new Error(`minLength is ${minLength}; it must be 1 or more.`)
    const query = shifted(answer)
    const spans: VerbatimSpan[] = []
    let reached = 0
    for (let start = 0; start + minLength <= query.length; start++) {
      const length = this.longestMatch(query, start)
      // A later match never ends earlier, so it is inside an earlier span only if it ends where that span ended.
      if (length < minLength || start + length <= reached) continue
      reached = start + length
      const { low, high } = this.interval(query, start, length)
      spans.push({ start, length, count: high - low, positions: this.positions(low, high, maxPositions) })
    }
    return spans.sort((a, b) => a.count - b.count || b.length - a.length || a.start - b.start)
  }

  /** Length of the longest prefix of the query from `start` that occurs in the text. */
  private longestMatch(query: Int32Array, start: number): number {
    const { text, order } = this.arrays
    let low = 0
    let high = order.length
    let best = 0
    while (low < high) {
      const middle = (low + high) >>> 1
      const suffix = order[middle]!
      const common = commonLength(text, suffix, query, start, query.length - start)
      if (common > best) best = common
      if (start + common === query.length) return common
      if (suffix + common < text.length && text[suffix + common]! > query[start + common]!) high = middle
      else low = middle + 1
    }
    return best
  }

  /** The range of suffixes that begin with these `length` tokens of the query. */
  private interval(query: Int32Array, start: number, length: number): { low: number; high: number } {
    return { low: this.bound(query, start, length, false), high: this.bound(query, start, length, true) }
  }

  /** The first suffix that is not smaller than the tokens; with `after`, the first that is greater and does not begin with them. */
  private bound(query: Int32Array, start: number, length: number, after: boolean): number {
    const { text, order } = this.arrays
    let low = 0
    let high = order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const suffix = order[middle]!
      const common = commonLength(text, suffix, query, start, length)
      const smaller =
        common === length ? after : suffix + common >= text.length || text[suffix + common]! < query[start + common]!
      if (smaller) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The first occurrences by position in the text, among at most 100,000 of them. */
  private positions(low: number, high: number, limit: number): VerbatimSpan['positions'] {
    const { order, starts } = this.arrays
    const first = order.slice(low, Math.min(high, low + 100_000)).sort()
    return Array.from(first.subarray(0, limit), (at) => {
      const document = lastAtMost(starts, at)
      return { document, position: at - starts[document]! }
    })
  }
}

/** Length of the common prefix of text and query from the given positions, at most `limit`. */
function commonLength(text: Int32Array, at: number, query: Int32Array, from: number, limit: number): number {
  const most = Math.min(limit, text.length - at)
  let common = 0
  while (common < most && text[at + common] === query[from + common]) common++
  return common
}

/** The index of the last start that is at most `at`. */
function lastAtMost(starts: Int32Array, at: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= at) low = middle + 1
    else high = middle
  }
  return low - 1
}

function shifted(tokens: ArrayLike<number>): Int32Array {
  return Int32Array.from(tokens, (token, i) => checkedToken(token, () => `Token ${i} of the answer`) + 1)
}

function checkedToken(token: number, what: () => string): number {
  if (!Number.isInteger(token) || token < 0 || token > 2 ** 24) {
    throw new Error(`${what()} is ${token}; a token id is an integer from 0 to 2^24.`)
  }
  return token
}
