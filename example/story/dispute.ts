import { parseEther } from 'viem'
import { exampleAccount } from '../accounts.ts'
import type { SimulatedContributor } from '../contributors.ts'
import { eventOf } from './chain.ts'
import { approve, type StoryContext, wrap } from './context.ts'
import { passProposal } from './govern.ts'
import { earnedByContribution, type SettledEpoch } from './reward.ts'

const BOND = parseEther('1')
/** `Disputes.Subject.Contribution`. */
const CONTRIBUTION = 0

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
  const { chain, api } = context
  const [contributionId, earnedBefore] = worst(owner, earnedByContribution(first.lines))
  const evidence = await api.upload(
    JSON.stringify({
      ground: 'offTopic',
      statement: `The completion of contribution ${contributionId} does not answer its message.`,
    }),
    'evidence',
  )
  await wrap(context, 'challenger', 0, BOND)
  await approve(context, 'challenger', 0, 'Disputes', BOND)
  const opened = await chain.send(exampleAccount('challenger'), 'Disputes', 'open', [
    CONTRIBUTION,
    BigInt(contributionId),
    evidence,
  ])
  const { disputeId } = eventOf(opened, 'Disputes', 'DisputeOpened').args

  const actions = {
    targets: [chain.addresses.Disputes],
    values: [0n],
    calldatas: [chain.encode('Disputes', 'resolve', [disputeId, true, 0n])],
    description: `Uphold dispute ${disputeId}: contribution ${contributionId} is mislabelled`,
  }
  const proposed = await chain.send(exampleAccount('proposer'), 'ModelGovernor', 'propose', [
    actions.targets,
    actions.values,
    actions.calldatas,
    actions.description,
  ])
  const { proposalId } = eventOf(proposed, 'ModelGovernor', 'ProposalCreated').args
  await passProposal(context, proposalId, actions)
  await api.waitUntilIndexed(await chain.client.getBlockNumber())
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
