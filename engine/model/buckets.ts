/**
 * The length to which a batch is padded: 16, 24, 32, 48, 64, 96, … With these few lengths few graphs are compiled, and
 * beyond 16 tokens at most a third of a row is padding. @throws Error when `length` exceeds `limit`.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { bucketLength } from '#engine/model/buckets.ts'
 *
 * assert.deepEqual([3, 17, 25, 33].map((length) => bucketLength(length)), [16, 24, 32, 48])
 * ```
 */
export function bucketLength(length: number, limit = Number.POSITIVE_INFINITY): number {
  if (length > limit)
    throw new Error(`A row of ${length} tokens exceeds the limit of ${limit} tokens; shorten it first.`)
  let power = 16
  while (power < length) power *= 2
  const between = (power * 3) / 4
  return Math.min(limit, power > 16 && length <= between ? between : power)
}
