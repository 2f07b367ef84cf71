import { type Hex, keccak256, stringToBytes } from 'viem'
import { PROPOSAL_STATES, type ProposalState } from '#rules/tally.ts'
import type { Act } from '../act.ts'
import type { MinedTransaction } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { ClientError, ContractRefusal } from '../errors.ts'
import { graphql } from '../graphql/document.ts'

/** What the timelock does when a proposal passes. */
export interface GovernorActions {
  targets: readonly Hex[]
  /** Native tokens, in wei. */
  values: readonly bigint[]
  calldatas: readonly Hex[]
  description: string
}

/** Opens a vote as a step of an act. */
export const proposeActions = (act: Act, actions: GovernorActions): Promise<MinedTransaction> => {
  const { targets, values, calldatas, description } = actions
  return act.send({
    contract: 'ModelGovernor',
    functionName: 'propose',
    args: [targets, values, calldatas, description],
  })
}

const ACTIONS = graphql('query ($id: ID!) { proposal(id: $id) { targets values calldatas description } }')

/** The arguments of `queue` and `execute`, which the chain knows only by their hash: the index has them. */
async function hashedActions(client: Client, proposalId: bigint) {
  const { proposal } = await client.ask(ACTIONS, { id: proposalId.toString() })
  if (!proposal) throw new ClientError(`There is no proposal ${proposalId}. Look at the list of proposals for its id.`)
  const { targets, values, calldatas, description } = proposal
  return [
    targets as Hex[],
    (values as string[]).map(BigInt),
    calldatas as Hex[],
    keccak256(stringToBytes(description)),
  ] as const
}

export const proposalStateOf = async (client: Client, proposalId: bigint): Promise<ProposalState | undefined> =>
  PROPOSAL_STATES[await client.read('ModelGovernor', 'state', [proposalId])]

/** Does what anyone may do, unless the proposal is in one of the states that follow: that somebody else was first is no error, also when it
 *  happens while this is being sent. */
export async function advanceProposal(
  act: Act,
  functionName: 'queue' | 'execute',
  proposalId: bigint,
  done: readonly ProposalState[],
): Promise<void> {
  const args = await hashedActions(act.client, proposalId)
  // Kept, because the transaction of before a crash may be mined.
  const state = await act.keep('state', () => proposalStateOf(act.client, proposalId))
  if (state !== undefined && done.includes(state)) return
  try {
    await act.send({ contract: 'ModelGovernor', functionName, args })
  } catch (error) {
    const now = error instanceof ContractRefusal ? await proposalStateOf(act.client, proposalId) : undefined
    if (now === undefined || !done.includes(now)) throw error
  }
}
