import { ETHER } from '#contracts/test/world.ts'
import { BPS, mulDiv, PPM } from '#rules/bps.ts'
import { seededRandomAt } from '#test/simulator/random.ts'
import { measuredGas } from './gasPage.ts'
import { type Attempted, attempt, MANY_SEEDS, type MoneyAttack } from './moneyAttack.ts'
import { ATTACKER, earnedBy, randomTerms, STRANGER_CONSUMERS, strangersEpoch } from './randomEpoch.ts'

/** A usage document that attributes answers to samples that had no part in them. Without the rule, fees are split as documents state them, so that one
 *  which says that all calls were at the forger's endpoint, for its version, by its samples, takes all but the platform's share. */
function forge(seed: number, isPublisher: boolean): Attempted {
  const random = seededRandomAt(seed, 1)
  const fees = STRANGER_CONSUMERS.map(() => (BigInt(1 + random(1_000)) * ETHER) / 100n)
  const terms = randomTerms(random)
  const honest = strangersEpoch(random, fees, [STRANGER_CONSUMERS[0], ATTACKER] as never, terms)
  const all = fees.reduce((sum, one) => sum + one, 0n)
  const receipts = honest.usage.flatMap((use, nth) =>
    Array.from({ length: 1 + random(3) }, (_, part) => ({
      receiptId: `${nth} ${part}`,
      endpointId: use.endpointId,
      versionId: use.versionId,
      // A stranger can name consumers who paid nothing; only a publisher's document counts for those who paid.
      consumer: isPublisher ? use.consumer : ATTACKER,
      fee: isPublisher && part === 0 ? use.fees : BigInt(random(1_000_000)) * ETHER,
      parts: [{ contributionId: '1', mass: PPM }],
    })),
  )
  const data = mulDiv(all - mulDiv(all, terms.platform, BPS), terms.data, BPS)
  const byDocument = mulDiv(data, BPS - terms.dataByWeight, BPS)
  return {
    without: attempt({ gained: all - mulDiv(all, terms.platform, BPS) }),
    with: attempt({ gained: earnedBy({ ...honest, receipts }, [ATTACKER]) - earnedBy(honest, [ATTACKER]) }),
    gas: isPublisher ? measuredGas('RewardDistributor', 'publish') : measuredGas('InferenceMarket', 'registerEndpoint'),
    left: isPublisher ? byDocument : 0n,
  }
}

export const forgedAttribution: MoneyAttack[] = [
  {
    name: 'forged attribution: of calls that nobody paid',
    attacker: 'a host, by its documents',
    seeds: MANY_SEEDS,
    play: (seed) => forge(seed, false),
  },
  {
    name: 'forged attribution: of strangers’ calls',
    attacker: 'a publisher by role',
    seeds: MANY_SEEDS,
    play: (seed) => forge(seed, true),
  },
]
