/** Shared by all rules: parts per million as people write them. */

const MILLION = 1_000_000n

/** Exactly, without zeros at the end: 450000 is 0.45, as a mandate's `minimum` is given. */
export function decimalText(ppm: bigint): string {
  const size = ppm < 0n ? -ppm : ppm
  const digits = String(size % MILLION)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return `${ppm < 0n ? '-' : ''}${size / MILLION}${digits && `.${digits}`}`
}
