/**
 * The length a batch is padded to: 16, 24, 32, 48, 64, 96, … so that few graphs are compiled and at most a third of a
 * row is padding. Throws when `length` passes `limit`.
 */
export function bucketLength(length: number, limit = Number.POSITIVE_INFINITY): number {
  if (length > limit) throw new Error(`A row of ${length} tokens passes the model's ${limit}; cut it before.`)
  let power = 16
  while (power < length) power *= 2
  const between = (power * 3) / 4
  return Math.min(limit, power > 16 && length <= between ? between : power)
}
