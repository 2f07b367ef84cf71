/** A text as token ids, and which of its tokens are to be learned. */
export interface TokenRow {
  ids: ArrayLike<number>
  /** 1 where the token at the same place counts, 0 where it is only context; of equal length. The first never counts. */
  mask: ArrayLike<number>
}

/** A prompt and its completion as one row: only the completion counts. */
export const completionRow = (prompt: ArrayLike<number>, completion: ArrayLike<number>): TokenRow => ({
  ids: [...Array.from(prompt), ...Array.from(completion)],
  mask: [...new Array<number>(prompt.length).fill(0), ...new Array<number>(completion.length).fill(1)],
})

/** Positions a row takes: every token but the last predicts the next. */
export const rowLength = ({ ids }: TokenRow): number => ids.length - 1

export function countLearned({ mask }: TokenRow): number {
  let count = 0
  for (let i = 1; i < mask.length; i++) count += mask[i]!
  return count
}

export function checkRow(row: TokenRow): void {
  if (row.ids.length < 2) throw new Error('An example needs at least two tokens: one to predict from, one to predict.')
  if (row.ids.length !== row.mask.length)
    throw new Error(`An example's mask has ${row.mask.length} entries for its ${row.ids.length} tokens.`)
  for (let i = 0; i < row.ids.length; i++)
    if (!Number.isInteger(row.ids[i])) throw new Error(`Token ${i} of an example is ${row.ids[i]}, no whole number.`)
  for (let i = 0; i < row.mask.length; i++)
    if (row.mask[i] !== 0 && row.mask[i] !== 1) throw new Error(`A mask holds 0 and 1 only, not ${row.mask[i]}.`)
  if (countLearned(row) === 0) throw new Error('An example has no token to learn: its mask is 0 after the first token.')
}

export function checkWeight(weight: number): void {
  if (!(weight >= 0 && Number.isFinite(weight))) throw new Error(`An example's weight is ${weight}; weights are ≥ 0.`)
}

/**
 * Rows as a batch (rows, length): ids, the target of every position, and its coefficient, `scaleOf(row)` where the
 * target counts, else 0. Padding has coefficient 0.
 */
export function rowFeeds(
  rows: readonly TokenRow[],
  count: number,
  length: number,
  scaleOf: (row: number) => number = () => 1,
) {
  const ids = new Int32Array(count * length)
  const targets = new Int32Array(count * length)
  const coefficients = new Float32Array(count * length)
  rows.forEach((row, index) => {
    const scale = scaleOf(index)
    for (let t = 0; t + 1 < row.ids.length; t++) {
      const at = index * length + t
      ids[at] = row.ids[t]!
      targets[at] = row.ids[t + 1]!
      coefficients[at] = row.mask[t + 1] ? scale : 0
    }
  })
  return { ids, targets, coefficients }
}
