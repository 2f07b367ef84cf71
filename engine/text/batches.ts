import { Random } from '#engine/stats/random.ts'
import type { Example } from './examples.ts'
import { packRows } from './packing.ts'

/**
 * Rows of equal length, flattened row by row into arrays of `rows * length`. Position t of a row predicts `targets[t]`,
 * the next token of the same example; where there is none, or it is not to be learnt, `weights[t]` is 0.
 */
export type Batch = {
  rows: number
  length: number
  /** Input ids; `pad` where a row holds nothing. (rows, length) */
  tokens: Int32Array
  /** The token each position is to predict; `pad` where there is none. (rows, length) */
  targets: Int32Array
  /** The weight of each prediction in the loss: the example's at tokens of the completion, 0 elsewhere. (rows, length) */
  weights: Float32Array
  /** Places within the example, from 0, also when examples share a row. (rows, length) */
  positions: Int32Array
  /** 0 where a row holds nothing; else which example of the row, from 1. Attention stays within a number. (rows, length) */
  segments: Int32Array
  /** Which examples each row holds, in order, as indices into the pairs they came from. */
  examples: number[][]
}

export type BatchOptions = {
  /** Rows in every batch; the last one is filled up with empty rows, so that shapes repeat. */
  rows: number
  /** The token that fills up. */
  pad: number
  /** The order of an epoch depends on the seed and the epoch alone, so a resumed run finds its place by counting. */
  seed: number | string
  epoch: number
  /** Lengths rows may have, ascending; the last bounds the examples. Default 16, 32, 64, … to the longest example. */
  buckets?: readonly number[]
  /** Puts several examples into a row of the last bucket's length. Default false. */
  pack?: boolean
  /** False keeps the order given, within each length. Default true. */
  shuffle?: boolean
}

/** The batches of one epoch. Every example is in exactly one; each shape has one of the bucket lengths. */
export function batchesOf(examples: readonly Example[], options: BatchOptions): Batch[] {
  const { rows, pad, seed, epoch, pack = false, shuffle = true } = options
  if (!Number.isInteger(rows) || rows < 1) throw new Error(`A batch has ${rows} rows; it needs at least 1.`)
  if (examples.length === 0) throw new Error('There are no examples to batch.')
  const longest = examples.reduce((max, { tokens }) => Math.max(max, tokens.length), 0)
  const buckets = options.buckets ?? doublingBuckets(longest)
  if (buckets.some((size, i) => !Number.isInteger(size) || size <= (buckets[i - 1] ?? 0))) {
    throw new Error(`Buckets are ascending lengths, not [${buckets}].`)
  }
  const limit = buckets[buckets.length - 1]
  if (longest > limit) {
    throw new Error(`An example has ${longest} tokens; the largest bucket has ${limit}. Cut examples with maxLength.`)
  }

  const random = new Random(`${seed}/epoch/${epoch}`)
  const order = shuffle ? random.permutation(examples.length) : examples.keys()
  const ordered = Array.from(order, (i) => examples[i])
  const packed = pack ? packRows(ordered, limit) : ordered.map((example) => [example])
  if (pack && shuffle) random.shuffle(packed)

  const byLength = new Map<number, Example[][]>(buckets.map((length) => [length, []]))
  for (const row of packed) byLength.get(pack ? limit : bucketOf(row[0].tokens.length, buckets))!.push(row)
  const batches: Batch[] = []
  for (const [length, list] of byLength) {
    for (let at = 0; at < list.length; at += rows) {
      batches.push(layRows(list.slice(at, at + rows), { rows, length, pad }))
    }
  }
  return shuffle ? random.shuffle(batches) : batches
}

/** Lays rows of examples out as one batch; rows that are missing stay empty. Throws when a row does not fit. */
export function layRows(
  packed: readonly (readonly Example[])[],
  { rows, length, pad }: { rows: number; length: number; pad: number },
): Batch {
  if (packed.length > rows) throw new Error(`${packed.length} rows do not fit a batch of ${rows}.`)
  const size = rows * length
  const batch: Batch = {
    rows,
    length,
    tokens: new Int32Array(size).fill(pad),
    targets: new Int32Array(size).fill(pad),
    weights: new Float32Array(size),
    positions: new Int32Array(size),
    segments: new Int32Array(size),
    examples: Array.from({ length: rows }, (_, row) => (packed[row] ?? []).map(({ index }) => index)),
  }
  for (const [row, examples] of packed.entries()) {
    let at = row * length
    for (const [i, { tokens, promptLength, weight }] of examples.entries()) {
      if (at + tokens.length > (row + 1) * length) throw new Error(`Row ${row} does not fit into ${length} tokens.`)
      batch.tokens.set(tokens, at)
      batch.targets.set(tokens.subarray(1), at)
      for (let t = 0; t < tokens.length; t++) {
        batch.positions[at + t] = t
        batch.segments[at + t] = i + 1
        if (t + 1 >= promptLength && t + 1 < tokens.length) batch.weights[at + t] = weight
      }
      at += tokens.length
    }
  }
  return batch
}

/** The smallest bucket that holds `length` tokens. */
export function bucketOf(length: number, buckets: readonly number[]): number {
  const found = buckets.find((bucket) => bucket >= length)
  if (found === undefined) throw new Error(`${length} tokens fit no bucket of [${buckets}].`)
  return found
}

function doublingBuckets(longest: number): number[] {
  const buckets = [16]
  while (buckets[buckets.length - 1] < longest) buckets.push(buckets[buckets.length - 1] * 2)
  return buckets
}
