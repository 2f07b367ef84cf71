import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { advanceProposal } from './governor.ts'

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
  Act.run(client, 'execute', { proposalId }, (act) => advanceProposal(act, 'execute', proposalId, ['Executed']))
