import { castVote, executeProposal, queueProposal, type Support } from '#client/index.ts'
import type { StoryContext } from './context.ts'

/** The number of holders who vote. Four vote for, one against, and one abstains. */
export const HOLDERS = 6
const SUPPORT: readonly Support[] = ['for', 'for', 'for', 'for', 'against', 'abstain']

const REASONS: Record<Support, string> = {
  against: 'It costs more than it brings.',
  for: 'Useful, and the rubric is clear.',
  abstain: 'No opinion on the price.',
}

/** Takes an existing proposal through its vote and the timelock: waits for the delays, lets the holders vote, queues and executes it. */
export async function passProposal({ as, clock }: StoryContext, proposalId: bigint): Promise<void> {
  const anyone = as('holder')
  await clock.advanceTo((await anyone.read('ModelGovernor', 'proposalSnapshot', [proposalId])) + 1n)
  // Who delegated all says why, too.
  for (const [nth, support] of SUPPORT.entries())
    await castVote(as('holder', nth), { proposalId, support, reason: REASONS[support], evenUncounted: true })
  await clock.advanceTo((await anyone.read('ModelGovernor', 'proposalDeadline', [proposalId])) + 1n)
  await queueProposal(anyone, proposalId)
  await clock.pass(anyone.deployment.settings.timelockDelay ?? 0)
  await executeProposal(anyone, proposalId)
}
