/** Rule 3, amendment 4b (copies): which contributions can be scored, so that the order of reveals decides nothing. */

/** A commitment can be revealed for this many blocks. @oracle DatanetRegistry.COMMITMENT_BLOCKS */
export const COMMITMENT_BLOCKS = 256n

/** The order of commitments as one number: block × 2³² + log index. */
export const commitOrder = (block: bigint, logIndex: bigint): bigint => block * 2n ** 32n + logIndex

const blockOf = (order: bigint) => order / 2n ** 32n

/** The block at whose end a commitment of this order has expired. */
export const expiryOf = (order: bigint): bigint => blockOf(order) + COMMITMENT_BLOCKS

/**
 * The first of the unrevealed commitments (by `commitOrder`) that may still be revealed after `finalBlock`. What was committed after it must wait: the content behind
 * it may be the original. Commitments do not tell their datanet, so all of a chain count. Nobody can delay a contribution for longer than
 * `COMMITMENT_BLOCKS` after its own commitment, because only older ones count.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { commitOrder, firstOpen } from '#rules/commitments.ts'
 *
 * const unrevealed = [commitOrder(10n, 0n), commitOrder(300n, 2n)]
 * assert.equal(firstOpen(unrevealed, 265n), commitOrder(10n, 0n))
 * assert.equal(firstOpen(unrevealed, 266n), commitOrder(300n, 2n)) // nothing of block 10 can be revealed later
 * ```
 */
export function firstOpen(unrevealed: readonly bigint[], finalBlock: bigint): bigint | undefined {
  return unrevealed
    .filter((order) => expiryOf(order) > finalBlock)
    .reduce<bigint | undefined>((first, order) => (first === undefined || order < first ? order : first), undefined)
}
