// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** A text as token ids, with a mask of the tokens to learn. */
export interface TokenRow {
  ids: ArrayLike<number>
  /** 1 for a token to learn, 0 for a token that is only context; as long as `ids`. The first token is never learned. */
  mask: ArrayLike<number>
}

/**
 * A prompt and its completion as one row; only the completion is learned.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { completionRow } from '#engine/train/rows.ts'
 *
 * assert.deepEqual(completionRow([1, 2], [3]), { ids: [1, 2, 3], mask: [0, 0, 1] })
 * ```
 */
export const completionRow = (prompt: ArrayLike<number>, completion: ArrayLike<number>): TokenRow => ({
  ids: [...Array.from(prompt), ...Array.from(completion)],
  mask: [...new Array<number>(prompt.length).fill(0), ...new Array<number>(completion.length).fill(1)],
})

/** Number of positions of a row: every token but the last predicts the next. */
export const rowLength = ({ ids }: TokenRow): number => ids.length - 1

export function countLearned({ mask }: TokenRow): number {
  let count = 0
  for (let i = 1; i < mask.length; i++) count += mask[i]!
  return count
}

export function checkRow(row: TokenRow): void {
  if (row.ids.length < 2)
    throw new Error('An example needs at least two tokens: the second is predicted from the first.')
  if (row.ids.length !== row.mask.length)
    throw new Error(`An example's mask has ${row.mask.length} entries for its ${row.ids.length} tokens.`)
  for (let i = 0; i < row.ids.length; i++)
    if (!Number.isInteger(row.ids[i]))
      throw new Error(`Token ${i} of an example is ${row.ids[i]}, which is not a whole number.`)
  for (let i = 0; i < row.mask.length; i++)
    if (row.mask[i] !== 0 && row.mask[i] !== 1) throw new Error(`A mask may contain only 0 and 1, not ${row.mask[i]}.`)
  if (countLearned(row) === 0)
    throw new Error('An example has no token to learn: its mask is 0 for every token after the first.')
}

export function checkWeight(weight: number): void {
  if (!(weight >= 0 && Number.isFinite(weight)))
    throw new Error(`The weight of an example is ${weight}; it must be at least 0 and finite.`)
}

/**
 * Rows as a batch (rows, length): the ids, the target of every position, and its coefficient: `scaleOf(row)` where the
 * target is learned, else 0. Padding has coefficient 0.
 */
export function rowFeeds<Row extends TokenRow>(
  rows: readonly Row[],
  count: number,
  length: number,
  scaleOf: (row: Row, index: number) => number = () => 1,
) {
  const ids = new Int32Array(count * length)
  const targets = new Int32Array(count * length)
  const coefficients = new Float32Array(count * length)
  rows.forEach((row, index) => {
    const scale = scaleOf(row, index)
    for (let t = 0; t + 1 < row.ids.length; t++) {
      const at = index * length + t
      ids[at] = row.ids[t]!
      targets[at] = row.ids[t + 1]!
      coefficients[at] = row.mask[t + 1] ? scale : 0
    }
  })
  return { ids, targets, coefficients }
}

/** Copies the values of the learned positions of `row` (`values[t]` belongs to token t + 1) to `into`, from `offset` on. */
export function copyLearned(row: TokenRow, values: ArrayLike<number>, into: Float32Array, offset: number): void {
  for (let t = 0; t + 1 < row.ids.length; t++) if (row.mask[t + 1]) into[offset + t] = values[t]!
}
