import { mulDiv } from '#rules/bps.ts'
import { splitPot } from '#rules/split.ts'
import { type SeededRandom, seededRandomAt } from '#test/simulator/random.ts'
import { measuredGas } from './gasPage.ts'
import { attempt, MANY_SEEDS, type MoneyAttack } from './moneyAttack.ts'

const MOST_ACCOUNTS = 60
const WAYS = 50

/** A share rounded to the nearest wei. */
const nearest = (pot: bigint, weight: bigint, whole: bigint) => (2n * pot * weight + whole) / (2n * whole)

/** Cuts an amount into that many parts of at least 1. */
function cut(random: SeededRandom, amount: number, parts: number): bigint[] {
  const cuts = Array.from({ length: parts - 1 }, () => 1 + random(amount - 1)).sort((a, b) => a - b)
  return [...cuts, amount].map((end, nth) => BigInt(end - (cuts[nth - 1] ?? 0)))
}

/** Somebody holds its stake, its samples or its judgements in many accounts, cut so that rounding favours it: the best of many ways counts. Without the
 *  rule, shares are rounded to the nearest wei. */
export const roundedShares: MoneyAttack = {
  name: 'rounding: one stake in many accounts',
  attacker: 'anybody with a share in a pot',
  seeds: MANY_SEEDS,
  play(seed) {
    const random = seededRandomAt(seed, 2)
    const own = MOST_ACCOUNTS + random(1_000_000)
    const others = BigInt(1 + random(5_000_000))
    const pot = BigInt(random(4) ? random(1_000) : random(2 ** 31))
    const whole = BigInt(own) + others
    const cuts = Array.from({ length: WAYS }, () => cut(random, own, 2 + random(MOST_ACCOUNTS - 1)))
    const floored = (parts: readonly bigint[]) => sumOf(splitPot(pot, [...parts, others]).shares.slice(0, -1))
    const rounded = (parts: readonly bigint[]) => sumOf(parts.map((part) => nearest(pot, part, whole)))
    return {
      without: attempt({ gained: mostOf(cuts.map(rounded)) - nearest(pot, BigInt(own), whole) }),
      with: attempt({ gained: mostOf(cuts.map(floored)) - mulDiv(pot, BigInt(own), whole) }),
      gas: 2n * measuredGas('ModelRegistry', 'stake'),
    }
  },
}

const sumOf = (amounts: readonly bigint[]) => amounts.reduce((total, one) => total + one, 0n)
const mostOf = (amounts: readonly bigint[]) => amounts.reduce((most, one) => (one > most ? one : most))
