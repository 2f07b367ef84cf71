import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { advanceProposal } from './governor.ts'

/**
 * Queues a proposal that passed in the timelock, unless it is. Anyone may.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, queueProposal } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(queueProposal(client, 99n), /There is no proposal 99/)
 * ```
 */
export const queueProposal = (client: Client, proposalId: bigint): Promise<void> =>
  Act.run(client, 'queue', { proposalId }, (act) => advanceProposal(act, 'queue', proposalId, ['Queued', 'Executed']))
