/** Rule 5, amendment 5a (seats): who may judge a task, and what its judgement weighs. The contract draws; this restates it. */

import { encodeAbiParameters, type Hex, keccak256 } from 'viem'
import { bigintMax, bigintMin, mulDiv, PPM } from './bps.ts'

/** The commit phase has this many stages of equal length. @oracle FeedbackPool.COMMIT_STAGES */
export const COMMIT_STAGES = 16n

/** A round as far as seats depend on it. `totalStake` in wei, as of the block before the opening; times in seconds. */
export type SeatRound = {
  seats: bigint
  totalStake: bigint
  openedAt: bigint
  commitDeadline: bigint
}

/** The stage of the commit phase at `time`, from 0. @oracle FeedbackPool.stageAt */
export const stageAt = (round: Pick<SeatRound, 'openedAt' | 'commitDeadline'>, time: bigint): bigint =>
  bigintMin(((time - round.openedAt) * COMMIT_STAGES) / (round.commitDeadline - round.openedAt), COMMIT_STAGES - 1n)

/** By how much a stage raises the chance of a seat: each stage doubles it. It counts for a task that had too few commitments before. */
export const chanceFactor = (stage: bigint): bigint => 1n << stage

/** The draw of an account at a task, below 2²⁵⁶. @oracle FeedbackPool.hasSeat */
export const seatHash = (seed: Hex, taskId: bigint, account: Hex): bigint =>
  BigInt(
    keccak256(
      encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }, { type: 'address' }], [seed, taskId, account]),
    ),
  )

/**
 * Whether an account has a seat at a task: `hash / 2²⁵⁶ < 2^stage × seats × stake / total`. `stake` is the smaller of the stake at the opening and
 * the present one. @oracle FeedbackPool.hasSeat
 */
export function hasSeat(
  round: Pick<SeatRound, 'seats' | 'totalStake'>,
  { hash, stake, stage }: { hash: bigint; stake: bigint; stage: bigint },
): boolean {
  const chance = chanceFactor(stage) * round.seats * stake
  if (chance >= round.totalStake) return chance > 0n
  return hash < ((2n ** 256n - 1n) / round.totalStake) * chance
}

/**
 * The weight of a judgement in ppm: `max(1, 2^stage × seats × stake / total)`, with the last stage that the task reached. Where a stake is too small
 * for a certain seat, its weight is 1 and its chance is the rest: the expected weight is proportional to the stake, so that neither splitting a
 * stake nor joining two gains anything.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { seatWeight } from '#rules/seats.ts'
 *
 * const round = { seats: 10n, totalStake: 100n }
 * assert.equal(seatWeight(round, 30n, 0n), 3_000_000n) // a third of the expected seats
 * assert.equal(seatWeight(round, 1n, 0n), 1_000_000n) // with the chance 1 : 10
 * ```
 */
export const seatWeight = (round: Pick<SeatRound, 'seats' | 'totalStake'>, stake: bigint, stage: bigint): bigint =>
  round.totalStake === 0n
    ? PPM
    : bigintMax(PPM, mulDiv(chanceFactor(stage) * round.seats * PPM, stake, round.totalStake))
