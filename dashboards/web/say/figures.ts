const WEI = 10n ** 18n

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
export const count = (value: number) => grouped.format(value)

/** `n thing` or `n things`. */
export const counted = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`

/** Wei as gOPEN with about four significant figures; never more than the amount. Dust below a millionth says so. */
export function gopen(wei: string | bigint): string {
  const amount = BigInt(wei)
  const size = amount < 0n ? -amount : amount
  const sign = amount < 0n ? '−' : ''
  if (size === 0n) return '0'
  if (size < WEI / 1_000_000n) return `${sign}<0.000001`
  const digits = size >= 100n * WEI ? 1 : size >= WEI ? 3 : size >= WEI / 100n ? 4 : 6
  const scale = 10n ** BigInt(18 - digits)
  const kept = size / scale
  const fraction = String(kept % 10n ** BigInt(digits))
    .padStart(digits, '0')
    .replace(/0+$/, '')
  return `${sign}${grouped.format(kept / 10n ** BigInt(digits))}${fraction && `.${fraction}`}`
}

/** The exact amount, for titles. */
export const exactly = (wei: string | bigint) => `${grouped.format(BigInt(wei))} wei`

/** Parts per million as percent. */
export const percent = (ppm: string | number | bigint, digits = 1) => `${(Number(ppm) / 10_000).toFixed(digits)}\u00a0%`

/** `part` of `whole` from 0 to 1; 0 when there is no whole. */
export function share(part: string | bigint, whole: string | bigint): number {
  const total = BigInt(whole)
  return total === 0n ? 0 : Number((BigInt(part) * 1_000_000n) / total) / 1_000_000
}

/** A measured value with about four figures. */
export function measured(value: number): string {
  if (!Number.isFinite(value)) return '—'
  const size = Math.abs(value)
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(1)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

export const short = (hash: string) => (hash.length > 14 ? `${hash.slice(0, 6)}…${hash.slice(-4)}` : hash)
