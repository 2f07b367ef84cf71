import { ETHER } from '#contracts/test/world.ts'
import { mulDiv } from '#rules/bps.ts'
import { splitPot } from '#rules/split.ts'
import { stakeTimes } from '#rules/stakeTime.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { measuredGas } from './gasPage.ts'
import { attempt, MANY_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { ATTACKER, STRANGER_CONSUMERS } from './randomEpoch.ts'

const FIRST = 1_000

/** Somebody stakes much just before an epoch ends. It pays with the use of its capital: what the same stake, held as long, earns the others.
 *  Without the rule, stakers share by what they have staked at the epoch's end. */
export const lateStake: MoneyAttack = {
  name: 'stake just before the end of an epoch',
  attacker: 'somebody with much capital',
  seeds: MANY_SEEDS,
  play(seed) {
    const random = seededRandomAt(seed, 4)
    const blocks = 10 + random(10_000)
    const last = FIRST + blocks - 1
    const held = 1 + random(Math.ceil(blocks / 10))
    const loyal = (BigInt(1 + random(1_000)) * ETHER) / 10n
    const late = (BigInt(1 + random(100_000)) * ETHER) / 10n
    const pot = (BigInt(1 + random(1_000)) * ETHER) / 100n
    const stakes = [
      { account: STRANGER_CONSUMERS[0] as `0x${string}`, amount: loyal, fromBlock: 1, toBlock: null },
      { account: ATTACKER, amount: late, fromBlock: last + 1 - held, toBlock: null },
    ]
    const times = stakeTimes(stakes, { fromBlock: FIRST, toBlock: last })
    const { shares } = splitPot(
      pot,
      times.map(({ amount }) => amount),
    )
    const gained = shares[times.findIndex(({ account }) => account === ATTACKER)] ?? 0n
    const ownTime = late * BigInt(held)
    const paid = mulDiv(pot, ownTime, ownTime + loyal * BigInt(blocks))
    return {
      without: attempt({ paid, gained: mulDiv(pot, late, late + loyal) }),
      with: attempt({ paid, gained }),
      gas: measuredGas('ModelRegistry', 'stake') + measuredGas('ModelRegistry', 'unstake'),
    }
  },
}
