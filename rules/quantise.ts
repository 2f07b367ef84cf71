/** Shared by all rules: the only place where a float becomes an integer. Every later step is exact, so that anyone can recompute it. */

/**
 * Rounds a float to an integer number of `1 / whole` parts.
 * @throws RangeError when the value is not finite.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { PPM } from '#rules/bps.ts'
 * import { quantise } from '#rules/quantise.ts'
 *
 * assert.equal(quantise(0.1234567, PPM), 123457n)
 * ```
 */
export function quantise(value: number, whole: bigint): bigint {
  if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be recorded. Find out why the measurement failed.`)
  return BigInt(Math.round(value * Number(whole)))
}
