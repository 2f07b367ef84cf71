import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { type GovernorActions, proposeActions } from './governor.ts'

/**
 * Opens a vote about any actions of the timelock. @returns the proposal's id.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, encodeCall, listProposals, openProposal } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 2 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const { GOpen } = client.deployment.addresses
 * const proposalId = await openProposal(client, {
 *   ...{ targets: [GOpen], values: [0n], calldatas: [encodeCall('GOpen', 'approve', [account.address, 0n])] },
 *   description: 'Allow nothing, for the example of openProposal.',
 * })
 * assert.ok((await listProposals(client)).some(({ id }) => id === proposalId.toString()))
 * ```
 */
export const openProposal = (client: Client, actions: GovernorActions): Promise<bigint> =>
  Act.run(client, 'openProposal', { ...actions }, async (act) => {
    const mined = await proposeActions(act, actions)
    return eventOf(mined, 'ModelGovernor', 'ProposalCreated').args.proposalId
  })
