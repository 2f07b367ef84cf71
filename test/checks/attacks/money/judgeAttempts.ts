import { GAS_PRICE } from '../attack.ts'
import type { Attempted, MoneyAttack } from './moneyAttack.ts'

/** An attack over its seeds. Profit is what is gained less what is paid, and less what the rules leave to it; in wei, without gas. */
export interface MoneyRow {
  attack: string
  attacker: string
  seeds: number
  /** What it pays and gains, on average. */
  without: PaidAndGained
  with: PaidAndGained
  /** The upper end of the 99 % interval of the mean profit. */
  upper: number
  most: number
  /** The price of the attacker's gas, on average. */
  gas: number
  /** What the rules leave to it, on average. */
  left: number
  stopped: { what: string; without: number; with: number }
  ok: boolean
}

interface PaidAndGained {
  paid: number
  gained: number
}

/** The 99th percentile of the normal distribution. */
const Z = 2.326

/** Whether the attack pays for its gas, and whether it stops anybody. */
export function judgeAttempts({ name, attacker, stops }: MoneyAttack, played: readonly Attempted[]): MoneyRow {
  const meanOf = (value: (one: Attempted) => bigint | number) =>
    played.reduce((sum, one) => sum + Number(value(one)), 0) / played.length
  const profitOf = (one: Attempted) => Number(one.with.gained - one.with.paid - (one.left ?? 0n))
  const profit = meanOf(profitOf)
  const variance = meanOf((one) => (profitOf(one) - profit) ** 2) * (played.length / Math.max(1, played.length - 1))
  const upper = profit + Z * Math.sqrt(variance / played.length)
  const moneyOf = (law: 'without' | 'with') => ({
    paid: meanOf((one) => one[law].paid),
    gained: meanOf((one) => one[law].gained),
  })
  const gas = meanOf(({ gas }) => gas * GAS_PRICE)
  const stopped = {
    what: stops ?? '',
    without: meanOf((one) => one.without.stopped),
    with: meanOf((one) => one.with.stopped),
  }
  return {
    attack: name,
    attacker,
    seeds: played.length,
    without: moneyOf('without'),
    with: moneyOf('with'),
    upper,
    most: Math.max(...played.map(profitOf)),
    gas,
    left: meanOf(({ left = 0n }) => left),
    stopped,
    ok: upper <= gas && stopped.with === 0,
  }
}
