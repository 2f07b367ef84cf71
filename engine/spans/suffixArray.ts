/**
 * The starts of all suffixes of `text` in lexicographic order, in linear time: SA-IS (Nong, Zhang & Chan, "Linear Suffix
 * Array Construction by Almost Pure Induced-Sorting", 2009). Symbols are whole numbers from 0 to below `alphabet`; a
 * suffix that is a prefix of another comes first. Needs about 13 bytes a symbol beside text and result.
 */
export function suffixArray(text: Int32Array, alphabet: number): Int32Array {
  for (let i = 0; i < text.length; i++) {
    if (!(text[i] >= 0 && text[i] < alphabet)) {
      throw new Error(`Symbol ${i} is ${text[i]}; symbols run from 0 to ${alphabet - 1}.`)
    }
  }
  return sort(text, alphabet)
}

function sort(text: Int32Array, alphabet: number): Int32Array {
  const n = text.length
  const order = new Int32Array(n)
  if (n <= 1) return order

  const rises = risingSuffixes(text)
  const buckets = countBuckets(text, rises, alphabet)
  const landmarks = landmarksOf(rises)

  // Any order of the landmarks, once induced, sorts the stretches between them.
  induce(text, rises, buckets, landmarks, order)
  if (landmarks.length === 0) return order

  const rankOf = new Int32Array(n + 1).fill(-1)
  for (let k = 0; k < landmarks.length; k++) rankOf[landmarks[k]] = k
  const sorted = new Int32Array(landmarks.length)
  let found = 0
  for (let i = 0; i < n; i++) if (rankOf[order[i]] >= 0) sorted[found++] = order[i]

  // Each stretch is named by its rank; equal stretches share a name. The text of names, sorted, sorts the landmarks.
  const endOf = (k: number) => (k + 1 < landmarks.length ? landmarks[k + 1] : n)
  const names = new Int32Array(landmarks.length)
  let name = 0
  for (let i = 1; i < sorted.length; i++) {
    const a = rankOf[sorted[i - 1]]
    const b = rankOf[sorted[i]]
    if (!sameStretch(text, landmarks[a], endOf(a), landmarks[b], endOf(b))) name++
    names[b] = name
  }
  const byName = name + 1 === names.length ? invert(names) : sort(names, name + 1)
  for (let i = 0; i < sorted.length; i++) sorted[i] = landmarks[byName[i]]
  induce(text, rises, buckets, sorted, order)
  return order
}

/** 1 where a suffix is smaller than the one after it (type S), 0 where it is greater (type L), as at the end. */
function risingSuffixes(text: Int32Array): Uint8Array {
  const rises = new Uint8Array(text.length)
  for (let i = text.length - 2; i >= 0; i--) {
    rises[i] = text[i] === text[i + 1] ? rises[i + 1] : text[i] < text[i + 1] ? 1 : 0
  }
  return rises
}

/** Where a rising suffix follows a falling one (leftmost S). */
function landmarksOf(rises: Uint8Array): Int32Array {
  let count = 0
  for (let i = 1; i < rises.length; i++) if (rises[i] > rises[i - 1]) count++
  const landmarks = new Int32Array(count)
  count = 0
  for (let i = 1; i < rises.length; i++) if (rises[i] > rises[i - 1]) landmarks[count++] = i
  return landmarks
}

/** For each symbol where its suffixes begin in the order, and where among them the rising ones begin, after the others. */
type Buckets = { starts: Int32Array; risingStarts: Int32Array }

function countBuckets(text: Int32Array, rises: Uint8Array, alphabet: number): Buckets {
  const starts = new Int32Array(alphabet + 1)
  const risingStarts = new Int32Array(alphabet)
  for (let i = 0; i < text.length; i++) {
    starts[text[i] + 1]++
    if (!rises[i]) risingStarts[text[i]]++
  }
  for (let symbol = 0; symbol < alphabet; symbol++) {
    starts[symbol + 1] += starts[symbol]
    risingStarts[symbol] += starts[symbol]
  }
  return { starts, risingStarts }
}

/** From the order of the landmarks: falling suffixes from left to right, then rising ones from right to left. */
function induce(text: Int32Array, rises: Uint8Array, buckets: Buckets, landmarks: Int32Array, order: Int32Array): void {
  const n = text.length
  const { starts, risingStarts } = buckets
  order.fill(-1)
  const next = risingStarts.slice()
  for (let k = 0; k < landmarks.length; k++) order[next[text[landmarks[k]]]++] = landmarks[k]

  next.set(starts.subarray(0, next.length))
  order[next[text[n - 1]]++] = n - 1
  for (let i = 0; i < n; i++) {
    const before = order[i] - 1
    if (before >= 0 && !rises[before]) order[next[text[before]]++] = before
  }
  next.set(starts.subarray(1)) // now the ends
  for (let i = n - 1; i >= 0; i--) {
    const before = order[i] - 1
    if (before >= 0 && rises[before]) order[--next[text[before]]] = before
  }
}

/** Whether two stretches, each up to and with the landmark that ends it, hold the same symbols. */
function sameStretch(text: Int32Array, a: number, endA: number, b: number, endB: number): boolean {
  if (endA - a !== endB - b || endA === text.length || endB === text.length) return false
  for (; a <= endA; a++, b++) if (text[a] !== text[b]) return false
  return true
}

function invert(names: Int32Array): Int32Array {
  const out = new Int32Array(names.length)
  for (let i = 0; i < names.length; i++) out[names[i]] = i
  return out
}
