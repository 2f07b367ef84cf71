import { keccak256, stringToBytes } from 'viem'
import { exampleAccount } from '../accounts.ts'
import type { StoryContext } from './context.ts'

/** The number of holders who vote. Four vote for, one against, and one abstains. */
export const HOLDERS = 6
const SUPPORT = [1, 1, 1, 1, 0, 2] as const

export interface ProposalActions {
  targets: readonly `0x${string}`[]
  values: readonly bigint[]
  calldatas: readonly `0x${string}`[]
  description: string
}

/** Takes an existing proposal through its vote and the timelock: waits for the delays, lets the holders vote, queues and executes it. */
export async function passProposal(
  { chain, deployment }: StoryContext,
  proposalId: bigint,
  actions: ProposalActions,
): Promise<void> {
  const { targets, values, calldatas, description } = actions
  const call = [targets, values, calldatas, keccak256(stringToBytes(description))] as const
  const anyone = exampleAccount('holder', 0)
  await chain.advanceTo((await chain.read('ModelGovernor', 'proposalSnapshot', [proposalId])) + 1n)
  for (const [nth, support] of SUPPORT.entries())
    await chain.send(exampleAccount('holder', nth), 'ModelGovernor', 'castVoteWithReason', [
      proposalId,
      support,
      REASONS[support],
    ])
  await chain.advanceTo((await chain.read('ModelGovernor', 'proposalDeadline', [proposalId])) + 1n)
  await chain.send(anyone, 'ModelGovernor', 'queue', call)
  await chain.advanceTo((await chain.now()) + BigInt(deployment.settings.timelockDelay) + 1n)
  await chain.send(anyone, 'ModelGovernor', 'execute', call)
}

const REASONS = [
  'It costs more than it brings.',
  'Useful, and the rubric is clear.',
  'No opinion on the price.',
] as const
