import { type Hex, keccak256, stringToBytes } from 'viem'
import { PROPOSAL_STATES, type ProposalState } from '#rules/tally.ts'
import { Act } from '../act.ts'
import { eventOf, type MinedTransaction } from '../chain/minedTransaction.ts'
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

export const proposeActions = (act: Act, actions: GovernorActions): Promise<MinedTransaction> => {
  const { targets, values, calldatas, description } = actions
  return act.send({
    contract: 'ModelGovernor',
    functionName: 'propose',
    args: [targets, values, calldatas, description],
  })
}

/** Opens a vote about any actions of the timelock. @returns the proposal's id. */
export const openProposal = (client: Client, actions: GovernorActions): Promise<bigint> =>
  Act.run(client, 'openProposal', { ...actions }, async (act) => {
    const mined = await proposeActions(act, actions)
    return eventOf(mined, 'ModelGovernor', 'ProposalCreated').args.proposalId
  })

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

const stateOf = async ({ client }: Act, proposalId: bigint): Promise<ProposalState | undefined> =>
  PROPOSAL_STATES[await client.read('ModelGovernor', 'state', [proposalId])]

/** Does what anyone may do, unless the proposal is in one of the states that follow: that somebody else was first is no error, also when it
 *  happens while this is being sent. */
async function doOnce(
  act: Act,
  functionName: 'queue' | 'execute',
  proposalId: bigint,
  done: readonly ProposalState[],
): Promise<void> {
  const args = await hashedActions(act.client, proposalId)
  // Kept, because the transaction of before a crash may be mined.
  const state = await act.keep('state', () => stateOf(act, proposalId))
  if (state !== undefined && done.includes(state)) return
  try {
    await act.send({ contract: 'ModelGovernor', functionName, args })
  } catch (error) {
    const now = error instanceof ContractRefusal ? await stateOf(act, proposalId) : undefined
    if (now === undefined || !done.includes(now)) throw error
  }
}

/** Queues a proposal that passed in the timelock, unless it is. Anyone may. */
export const queueProposal = (client: Client, proposalId: bigint): Promise<void> =>
  Act.run(client, 'queue', { proposalId }, (act) => doOnce(act, 'queue', proposalId, ['Queued', 'Executed']))

/**
 * Executes a queued proposal when the timelock's delay has passed, unless it is. Anyone may.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, executeProposal } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(executeProposal(client, 99n), /There is no proposal 99/)
 * ```
 */
export const executeProposal = (client: Client, proposalId: bigint): Promise<void> =>
  Act.run(client, 'execute', { proposalId }, (act) => doOnce(act, 'execute', proposalId, ['Executed']))
