import type { EpochFacts } from '#rules/epochFacts.ts'
import { computeRewards } from '#rules/rewardMap.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { measuredGas } from './gasPage.ts'
import { attempt, MANY_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { randomTerms, STRANGER_CONSUMERS, strangersEpoch } from './randomEpoch.ts'

const HOST = STRANGER_CONSUMERS[2] as `0x${string}`
const MOST_EPOCHS = 40
const MOST_DUST = 30

/**
 * A host redeems a few wei in each epoch, so that every division floors to nothing and the remainders add up. Without the rule, what flooring leaves is the
 * host's, who calls the contract, as it is where remainders go to the caller or the last account.
 */
export const dustFees: MoneyAttack = {
  name: 'dust: fees of a few wei in many epochs',
  attacker: 'a host that chooses when it redeems',
  seeds: MANY_SEEDS,
  play(seed) {
    const random = seededRandomAt(seed, 3)
    const terms = randomTerms(random)
    const people = STRANGER_CONSUMERS.slice(0, 2)
    const base = strangersEpoch(random, [0n], people, terms)
    const [use] = base.usage
    if (!use) throw new Error('The epoch has no usage.')
    const dust = Array.from({ length: 2 + random(MOST_EPOCHS) }, () => BigInt(1 + random(MOST_DUST)))
    const epochOf = (fees: bigint): EpochFacts => ({ ...base, usage: [{ ...use, host: HOST, fees }] })
    const hostOf = (rewards: ReturnType<typeof computeRewards>) =>
      rewards.accounts.find(({ account }) => account === HOST)?.cumulative ?? 0n
    const atOnce = hostOf(computeRewards(epochOf(dust.reduce((sum, fees) => sum + fees, 0n))))
    let before: EpochFacts['before'] = base.before
    let [inDust, remainders] = [0n, 0n]
    for (const fees of dust) {
      const rewards = computeRewards({ ...epochOf(fees), before })
      before = {
        accounts: rewards.accounts.map((one) => ({ ...one, claimed: 0n })),
        carried: rewards.carried,
        debts: [],
      }
      inDust = hostOf(rewards)
      const alone = computeRewards(epochOf(fees))
      remainders += hostOf(alone) + alone.carried.reduce((sum, { amount }) => sum + amount, 0n)
    }
    return {
      without: attempt({ gained: remainders - atOnce }),
      with: attempt({ gained: inDust - atOnce }),
      gas: BigInt(dust.length) * measuredGas('InferenceMarket', 'redeem'),
    }
  },
}
