import { parseEther } from 'viem'
import { dispute, encodeCall, openProposal, wrap } from '#client/index.ts'
import type { SimulatedContributor } from '../contributors.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'
import { passProposal } from './govern.ts'
import { earnedByContribution, type SettledEpoch } from './reward.ts'

const BOND = parseEther('1')

/** Disputes a contribution that earned although its label is wrong. This needs human judgement, so the holders of gOPEN decide by a vote.
 *  @returns how the stage ends with the next epoch. */
export async function disputeWorst(
  context: StoryContext,
  owner: Map<string, SimulatedContributor>,
  first: SettledEpoch,
): Promise<(second: SettledEpoch) => StageResult> {
  const { as } = context
  const [contributionId, before] = worst(owner, earnedByContribution(first.lines))
  const challenger = as('challenger')
  await wrap(challenger, BOND)
  const disputeId = await dispute(challenger, {
    subject: 'Contribution',
    subjectId: BigInt(contributionId),
    ground: 'offTopic',
    statement: `The completion of contribution ${contributionId} does not answer its message.`,
  })
  const proposalId = await openProposal(as('proposer'), {
    targets: [challenger.deployment.addresses.Disputes],
    values: [0n],
    calldatas: [encodeCall('Disputes', 'resolve', [disputeId, true, 0n])],
    description: `Uphold dispute ${disputeId}: contribution ${contributionId} is mislabelled`,
  })
  await passProposal(context, proposalId)
  return ({ lines }) => {
    const after = earnedByContribution(lines).get(contributionId) ?? 0n
    return stageOf(
      'dispute',
      { disputeId: disputeId.toString(), contributionId, before: before.toString(), after: after.toString() },
      { 'it earned in the first epoch': before > 0n, 'it earns nothing in the next': after === 0n },
    )
  }
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
