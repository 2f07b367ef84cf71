import { suffixArray } from './suffixArray.ts'

/** A stretch of an answer that stands word for word in the training text and cannot be made longer. */
export type VerbatimSpan = {
  /** Where it begins in the answer, in tokens. */
  start: number
  /** In tokens. */
  length: number
  /** How often it occurs in all documents. */
  count: number
  /** Some of the places, by document and then position; as many as asked for. */
  places: { document: number; position: number }[]
}

/** The three arrays an index consists of; see `spanFile.ts` for how they lie in a file. */
export type SpanArrays = {
  /** All documents, each followed by a 0; a token t is kept as t + 1. */
  text: Int32Array
  /** Where each document begins in `text`, ascending. */
  starts: Int32Array
  /** The suffix array of `text`. */
  order: Int32Array
}

export type FindOptions = {
  /** Shorter matches are of no interest. Default 8 tokens. */
  minLength?: number
  /** Places to give for each span. Default 10. */
  maxPlaces?: number
}

/**
 * Finds what an answer has word for word in common with the training documents, as OLMoTrace does (Liu et al., 2025), by
 * a suffix array over tokens. A match never reaches across documents. A search takes O(m log n) comparisons for an
 * answer of m tokens. Eight bytes a token, and twelve a document.
 */
export class SpanIndex {
  constructor(readonly arrays: SpanArrays) {}

  /** Builds the index in linear time. Documents are known by their position; up to 2^31 tokens in all. */
  static build(documents: Iterable<ArrayLike<number>>): SpanIndex {
    const list = [...documents]
    const size = list.reduce((sum, document) => sum + document.length + 1, 0)
    if (size >= 2 ** 31) throw new Error(`An index holds up to 2^31 tokens, not ${size}. Split the documents.`)
    const text = new Int32Array(size)
    const starts = new Int32Array(list.length)
    let at = 0
    let largest = 0
    for (const [d, document] of list.entries()) {
      starts[d] = at
      for (let i = 0; i < document.length; i++) {
        text[at++] = checkedToken(document[i], () => `Token ${i} of document ${d}`) + 1
        if (document[i] > largest) largest = document[i]
      }
      at++
    }
    return new SpanIndex({ text, starts, order: suffixArray(text, largest + 2) })
  }

  get documentCount(): number {
    return this.arrays.starts.length
  }

  /** Tokens in all documents. */
  get tokenCount(): number {
    return this.arrays.text.length - this.arrays.starts.length
  }

  /** How often these tokens stand in a row; of no tokens, 0. */
  count(tokens: ArrayLike<number>): number {
    if (tokens.length === 0) return 0
    const query = shifted(tokens)
    const { low, high } = this.interval(query, 0, query.length)
    return high - low
  }

  /**
   * The spans of an answer, rarest first, then the longest, then the first. No span lies within another.
   * Throws on what are no token ids.
   */
  find(answer: ArrayLike<number>, { minLength = 8, maxPlaces = 10 }: FindOptions = {}): VerbatimSpan[] {
    if (!(minLength >= 1)) throw new Error(`minLength is ${minLength}; it is at least 1.`)
    const query = shifted(answer)
    const spans: VerbatimSpan[] = []
    let reached = 0
    for (let start = 0; start + minLength <= query.length; start++) {
      const length = this.longestMatch(query, start)
      // What begins later ends no earlier, so a span lies within another only if it ends where the last one did.
      if (length < minLength || start + length <= reached) continue
      reached = start + length
      const { low, high } = this.interval(query, start, length)
      spans.push({ start, length, count: high - low, places: this.places(low, high, maxPlaces) })
    }
    return spans.sort((a, b) => a.count - b.count || b.length - a.length || a.start - b.start)
  }

  /** How many tokens of the query from `start` on occur somewhere in a row. */
  private longestMatch(query: Int32Array, start: number): number {
    const { text, order } = this.arrays
    let low = 0
    let high = order.length
    let best = 0
    while (low < high) {
      const middle = (low + high) >>> 1
      const suffix = order[middle]
      const common = commonLength(text, suffix, query, start, query.length - start)
      if (common > best) best = common
      if (start + common === query.length) return common
      if (suffix + common < text.length && text[suffix + common] > query[start + common]) high = middle
      else low = middle + 1
    }
    return best
  }

  /** The suffixes that begin with `length` tokens of the query. */
  private interval(query: Int32Array, start: number, length: number): { low: number; high: number } {
    return { low: this.bound(query, start, length, false), high: this.bound(query, start, length, true) }
  }

  /** The first suffix that is not smaller than the tokens or, with `after`, that is greater and does not begin with them. */
  private bound(query: Int32Array, start: number, length: number, after: boolean): number {
    const { text, order } = this.arrays
    let low = 0
    let high = order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const suffix = order[middle]
      const common = commonLength(text, suffix, query, start, length)
      const smaller =
        common === length ? after : suffix + common >= text.length || text[suffix + common] < query[start + common]
      if (smaller) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The first places, by position in the text. Of very many, those among the first 100,000 of the order. */
  private places(low: number, high: number, limit: number): VerbatimSpan['places'] {
    const { order, starts } = this.arrays
    const positions = order.slice(low, Math.min(high, low + 100_000)).sort()
    return Array.from(positions.subarray(0, limit), (at) => {
      const document = lastAtMost(starts, at)
      return { document, position: at - starts[document] }
    })
  }
}

/** How many symbols text and query share, from the given places; at most `limit`. */
function commonLength(text: Int32Array, at: number, query: Int32Array, from: number, limit: number): number {
  const most = Math.min(limit, text.length - at)
  let common = 0
  while (common < most && text[at + common] === query[from + common]) common++
  return common
}

/** The index of the last start that is not beyond `at`. */
function lastAtMost(starts: Int32Array, at: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (starts[middle] <= at) low = middle + 1
    else high = middle
  }
  return low - 1
}

function shifted(tokens: ArrayLike<number>): Int32Array {
  return Int32Array.from(tokens, (token, i) => checkedToken(token, () => `Token ${i} of the answer`) + 1)
}

function checkedToken(token: number, what: () => string): number {
  if (!Number.isInteger(token) || token < 0 || token > 2 ** 24) {
    throw new Error(`${what()} is ${token}; token ids are whole numbers from 0 to 2^24.`)
  }
  return token
}
