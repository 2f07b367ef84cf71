import type { Hex } from 'viem'
import type { AttributedReceipt } from '../countedAnswers.ts'
import type { EpochFacts } from '../epochFacts.ts'
import type { EpochRewardMap } from '../rewardMap.ts'
import type { SplitTerms } from '../split.ts'

/** One version with one endpoint, two contributors, a staker and a simpleJudge. */

export const accountNumber = (n: number) => `0x${n.toString(16).padStart(40, '0')}` as Hex
export const [treasury, owner, host, staker, alice, bob, simpleJudge, asker] = [1, 2, 3, 4, 5, 6, 7, 8].map(
  accountNumber,
) as [Hex, Hex, Hex, Hex, Hex, Hex, Hex, Hex]

export const simpleTerms: SplitTerms = {
  platform: 1_000n,
  owner: 2_000n,
  stakers: 1_000n,
  data: 4_000n,
  validators: 1_000n,
  host: 2_000n,
  ancestors: 1_000n,
  dataByWeight: 5_000n,
  unattributedByWeight: false,
}

export const receipt = (parts: AttributedReceipt['parts'], fee = 100_000n): AttributedReceipt => ({
  receiptId: 'r1',
  endpointId: 'e1',
  versionId: 'v1',
  consumer: asker,
  fee,
  parts,
})

export const simpleEpoch: EpochFacts = {
  chain: 31337n,
  distributor: accountNumber(99),
  epoch: 1n,
  treasury,
  usage: [{ endpointId: 'e1', versionId: 'v1', consumer: asker, host, fees: 100_000n }],
  receipts: [
    receipt([
      { contributionId: 'a', mass: 400_000n },
      { contributionId: 'b', mass: 100_000n },
    ]),
  ],
  versions: [
    {
      versionId: 'v1',
      modelId: 'm1',
      parentVersionId: null,
      weights: [
        { contributionId: 'a', weight: 1n },
        { contributionId: 'b', weight: 3n },
      ],
      judgements: [{ taskId: 't1', validator: simpleJudge, score: 5n }],
    },
  ],
  models: [{ modelId: 'm1', owner, terms: simpleTerms, stakes: [{ account: staker, amount: 10n }] }],
  contributions: [
    { contributionId: 'a', contributor: alice },
    { contributionId: 'b', contributor: bob },
  ],
  excluded: [],
  corrections: [],
  before: { accounts: [], carried: [], debts: [] },
}

export const paid = (map: EpochRewardMap, who: Hex) => map.leaves.find((leaf) => leaf.account === who)?.cumulative ?? 0n
export const carriedSum = (pots: { amount: bigint }[]) => pots.reduce((sum, pot) => sum + pot.amount, 0n)
export const feesOf = (facts: EpochFacts) => facts.usage.reduce((sum, use) => sum + use.fees, 0n)
