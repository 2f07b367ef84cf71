import { TERMS } from '#contracts/test/mandate.ts'
import { ETHER, OPERATOR } from '#contracts/test/world.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { attempt, FEW_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { balanceChange, DAILY_SPEND, inWorld } from './worlds.ts'

const DAY = 86_400

const tenTimes = (amount: bigint) => Array.from({ length: 10 }, () => amount)

/** The thief of the operator's key pays itself from a mandate, as often as it can on one day. Without the rule, the key may spend the whole
 *  budget. */
export const emptiedMandate: MoneyAttack = {
  name: 'a mandate spent by a stolen key, in one day',
  attacker: 'the operator’s key',
  seeds: FEW_SEEDS,
  play: (seed) =>
    inWorld('market', async (world) => {
      const part = BigInt(1 + seededRandomAt(seed, 14)(9)) * ETHER
      await world.warp(DAY - ((await world.now()) % DAY))
      let gas = 0n
      const gained = await balanceChange(world, OPERATOR.address, async () => {
        for (const amount of [TERMS.budget, ...tenTimes(part), ...tenTimes(ETHER), 1n]) {
          const args = [1n, OPERATOR.address, 'theft', amount] as const
          const sent = await world.send(OPERATOR, 'ModelRegistry', 'spendBudget', args).catch(() => undefined)
          gas += sent?.gasUsed ?? 0n
        }
      })
      return {
        without: attempt({ gained: TERMS.budget }),
        with: attempt({ gained }),
        left: (TERMS.budget * DAILY_SPEND) / 100n,
        gas,
      }
    }),
}
