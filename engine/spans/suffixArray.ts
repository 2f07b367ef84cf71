// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/**
 * The suffix array of `text`: the start positions of all suffixes in lexicographic order. Linear time by SA-IS (Nong, Zhang &
 * Chan, "Linear Suffix Array Construction by Almost Pure Induced-Sorting", 2009). Symbols are integers from 0 to
 * `alphabet - 1`; a prefix of a suffix comes before it. Needs about 13 bytes per symbol in addition to text and result.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { suffixArray } from '#engine/spans/suffixArray.ts'
 *
 * const banana = Int32Array.of(1, 0, 2, 0, 2, 0) // b a n a n a
 * assert.deepEqual([...suffixArray(banana, 3)], [5, 3, 1, 0, 4, 2])
 * ```
 */
export function suffixArray(text: Int32Array, alphabet: number): Int32Array {
  for (let i = 0; i < text.length; i++) {
    if (!(text[i]! >= 0 && text[i]! < alphabet)) {
      throw new Error(`Symbol ${i} is ${text[i]}; a symbol must be from 0 to ${alphabet - 1}.`)
    }
  }
  return sort(text, alphabet)
}

function sort(text: Int32Array, alphabet: number): Int32Array {
  const n = text.length
  const order = new Int32Array(n)
  if (n <= 1) return order

  const typeS = typeSSuffixes(text)
  const buckets = countBuckets(text, typeS, alphabet)
  const lms = lmsPositions(typeS)

  // Induced sorting from the LMS positions in any order sorts the LMS substrings.
  induce(text, typeS, buckets, lms, order)
  if (lms.length === 0) return order

  const rankOf = new Int32Array(n + 1).fill(-1)
  for (let k = 0; k < lms.length; k++) rankOf[lms[k]!] = k
  const sorted = new Int32Array(lms.length)
  let found = 0
  for (let i = 0; i < n; i++) if (rankOf[order[i]!]! >= 0) sorted[found++] = order[i]!

  // Each LMS substring is named by its rank; equal ones share a name. Sorting the text of names sorts the LMS suffixes.
  const endOf = (k: number) => (k + 1 < lms.length ? lms[k + 1]! : n)
  const names = new Int32Array(lms.length)
  let name = 0
  for (let i = 1; i < sorted.length; i++) {
    const a = rankOf[sorted[i - 1]!]!
    const b = rankOf[sorted[i]!]!
    if (!sameSubstring(text, lms[a]!, endOf(a), lms[b]!, endOf(b))) name++
    names[b] = name
  }
  const byName = name + 1 === names.length ? invert(names) : sort(names, name + 1)
  for (let i = 0; i < sorted.length; i++) sorted[i] = lms[byName[i]!]!
  induce(text, typeS, buckets, sorted, order)
  return order
}

/** 1 where a suffix is smaller than the next one (type S), 0 where it is greater (type L). The last suffix has type L. */
function typeSSuffixes(text: Int32Array): Uint8Array {
  const typeS = new Uint8Array(text.length)
  for (let i = text.length - 2; i >= 0; i--) {
    typeS[i] = text[i] === text[i + 1] ? typeS[i + 1]! : text[i]! < text[i + 1]! ? 1 : 0
  }
  return typeS
}

/** Positions of type-S suffixes that follow a type-L suffix (leftmost type S, LMS). */
function lmsPositions(typeS: Uint8Array): Int32Array {
  let count = 0
  for (let i = 1; i < typeS.length; i++) if (typeS[i]! > typeS[i - 1]!) count++
  const lms = new Int32Array(count)
  count = 0
  for (let i = 1; i < typeS.length; i++) if (typeS[i]! > typeS[i - 1]!) lms[count++] = i
  return lms
}

/** For each symbol, where its suffixes start in the order, and where those of type S start; type L comes first. */
type Buckets = { starts: Int32Array; typeSStarts: Int32Array }

function countBuckets(text: Int32Array, typeS: Uint8Array, alphabet: number): Buckets {
  const starts = new Int32Array(alphabet + 1)
  const typeSStarts = new Int32Array(alphabet)
  for (let i = 0; i < text.length; i++) {
    starts[text[i]! + 1]!++
    if (!typeS[i]) typeSStarts[text[i]!]!++
  }
  for (let symbol = 0; symbol < alphabet; symbol++) {
    starts[symbol + 1]! += starts[symbol]!
    typeSStarts[symbol]! += starts[symbol]!
  }
  return { starts, typeSStarts }
}

/** Induces the order of all suffixes from that of the LMS suffixes: type L from left to right, then type S from right to left. */
function induce(text: Int32Array, typeS: Uint8Array, buckets: Buckets, lms: Int32Array, order: Int32Array): void {
  const n = text.length
  const { starts, typeSStarts } = buckets
  order.fill(-1)
  const next = typeSStarts.slice()
  for (let k = 0; k < lms.length; k++) order[next[text[lms[k]!]!]!++] = lms[k]!

  next.set(starts.subarray(0, next.length))
  order[next[text[n - 1]!]!++] = n - 1
  for (let i = 0; i < n; i++) {
    const before = order[i]! - 1
    if (before >= 0 && !typeS[before]) order[next[text[before]!]!++] = before
  }
  next.set(starts.subarray(1)) // now the ends
  for (let i = n - 1; i >= 0; i--) {
    const before = order[i]! - 1
    if (before >= 0 && typeS[before]) order[--next[text[before]!]!] = before
  }
}

/** Whether two LMS substrings are equal. Each includes the LMS position where it ends. */
function sameSubstring(text: Int32Array, a: number, endA: number, b: number, endB: number): boolean {
  if (endA - a !== endB - b || endA === text.length || endB === text.length) return false
  for (; a <= endA; a++, b++) if (text[a] !== text[b]) return false
  return true
}

function invert(names: Int32Array): Int32Array {
  const out = new Int32Array(names.length)
  for (let i = 0; i < names.length; i++) out[names[i]!] = i
  return out
}
