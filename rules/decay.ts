/** Rule 6, amendment 6a (decay): what is known of a validator fades with every epoch. */

import { PPM } from './bps.ts'

/** The part of a count that is left after one epoch: 95 % (a half-life of 13.5 epochs). */
export const DECAY_PPM = 950_000n

/** What is left of `count` after `epochs`, floored after each. */
export function decay(count: bigint, epochs: bigint): bigint {
  // Flooring brings every count to 0, so a long absence takes no longer than that.
  for (; epochs > 0n && count > 0n; epochs--) count = (count * DECAY_PPM) / PPM
  return count
}
