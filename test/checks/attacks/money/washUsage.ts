import { ETHER } from '#contracts/test/world.ts'
import { BPS, mulDiv, PPM } from '#rules/bps.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { measuredGas } from './gasPage.ts'
import { attempt, MANY_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { ATTACKER, earnedBy, randomTerms, STRANGER_CONSUMERS, strangersEpoch } from './randomEpoch.ts'

const CALLS = 100

/**
 * A contributor, who may also be the host, owner and staker, buys answers of its own model, and opens them with all of the attribution at its
 * own sample. Without the rule, each opened answer of a version has the same part of its answers' pot, whatever it cost.
 */
export const washUsage: MoneyAttack = {
  name: 'wash usage',
  attacker: 'a contributor who buys of itself',
  seeds: MANY_SEEDS,
  play(seed) {
    const random = seededRandomAt(seed, 0)
    const fees = STRANGER_CONSUMERS.map(() => (BigInt(1 + random(1_000)) * ETHER) / 100n)
    const strangersCalls = 10 + random(90)
    const spent = (BigInt(1 + random(1_000)) * ETHER) / 1_000n
    const terms = randomTerms(random)
    const honest = strangersEpoch(random, fees, [STRANGER_CONSUMERS[0], ATTACKER] as never, terms)
    const [use] = honest.usage
    const [model] = honest.models
    if (!use || !model) throw new Error('The epoch has no usage.')
    const roles = { host: random(2) ? ATTACKER : use.host, owner: random(2) ? ATTACKER : model.owner }
    const stakes = random(2) ? [{ account: ATTACKER, amount: 10n }] : model.stakes
    const before = {
      ...honest,
      usage: honest.usage.map((one) => ({ ...one, host: roles.host })),
      models: [{ ...model, owner: roles.owner, stakes }],
    }
    const own = { endpointId: 'e1', versionId: 'v1', consumer: ATTACKER }
    const parts = [{ contributionId: '1', mass: PPM }]
    const after = {
      ...before,
      usage: [...before.usage, { ...own, host: roles.host, fees: spent }],
      receipts: Array.from({ length: CALLS }, (_, nth) => ({
        ...own,
        receiptId: `${nth}`,
        fee: spent / BigInt(CALLS),
        parts,
      })),
    }
    const gained = earnedBy(after, [ATTACKER]) - earnedBy(before, [ATTACKER])
    const all = fees.reduce((sum, one) => sum + one, spent)
    const data = mulDiv(all - mulDiv(all, terms.platform, BPS), terms.data, BPS)
    const answers = data - mulDiv(data, terms.dataByWeight, BPS)
    return {
      without: attempt({ paid: spent, gained: mulDiv(answers, BigInt(CALLS), BigInt(CALLS + strangersCalls)) }),
      with: attempt({ paid: spent, gained }),
      gas: measuredGas('InferenceMarket', 'deposit') + measuredGas('InferenceMarket', 'redeem'),
    }
  },
}
