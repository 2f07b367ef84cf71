import { parseEther } from 'viem'
import { dispute, encodeCall, openProposal, wrap } from '#client/index.ts'
import type { SimulatedContributor } from '../contributors.ts'
import type { StoryContext } from './context.ts'
import { passProposal } from './govern.ts'
import { earnedByContribution, type SettledEpoch } from './reward.ts'

const BOND = parseEther('1')

export interface Disputed {
  contributionId: string
  disputeId: string
  earnedBefore: bigint
}

/** Disputes a contribution that earned although its label is wrong. This needs human judgement, so the holders of gOPEN decide by a vote. */
export async function disputeStage(
  context: StoryContext,
  owner: Map<string, SimulatedContributor>,
  first: SettledEpoch,
): Promise<Disputed> {
  const { as, deployment } = context
  const [contributionId, earnedBefore] = worst(owner, earnedByContribution(first.lines))
  const challenger = as('challenger')
  await wrap(challenger, BOND)
  const disputeId = await dispute(challenger, {
    subject: 'Contribution',
    subjectId: BigInt(contributionId),
    ground: 'offTopic',
    statement: `The completion of contribution ${contributionId} does not answer its message.`,
  })
  const proposalId = await openProposal(as('proposer'), {
    targets: [deployment.addresses.Disputes],
    values: [0n],
    calldatas: [encodeCall('Disputes', 'resolve', [disputeId, true, 0n])],
    description: `Uphold dispute ${disputeId}: contribution ${contributionId} is mislabelled`,
  })
  await passProposal(context, proposalId)
  return { contributionId, disputeId: disputeId.toString(), earnedBefore }
}

/** The contribution of the least honest contributors that earned most. */
function worst(owner: Map<string, SimulatedContributor>, earned: Map<string, bigint>): [string, bigint] {
  for (const behaviours of [['adversarial', 'noisy', 'duplicating'], ['mediocre'], ['excellent']]) {
    const [found] = [...earned]
      .filter(([id]) => behaviours.includes(owner.get(id)?.behaviour ?? ''))
      .sort((a, b) => (a[1] > b[1] ? -1 : a[1] < b[1] ? 1 : Number(a[0]) - Number(b[0])))
    if (found) return found
  }
  throw new Error('No contribution has earned anything.')
}
