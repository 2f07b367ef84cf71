/** Rounds a float to an integer number of `1 / whole` parts. Floats enter the rules only here; every later step is exact.
 *  @throws RangeError when the value is not finite. */
export function quantise(value: number, whole: bigint): bigint {
  if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be recorded. Find out why the measurement failed.`)
  return BigInt(Math.round(value * Number(whole)))
}
