import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { type Ballot, ballotData, ballotNonce, SUPPORT, sendBallot } from './ballot.ts'
import { signOnce } from './signOnce.ts'

/**
 * Votes with the power that the account had at the proposal's snapshot.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { castVote, connect } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 2 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(castVote(client, { proposalId: 1n, support: 'for', reason: 'It is useful.' }), /no such proposal/)
 * ```
 */
export const castVote = (client: Client, { proposalId, support, reason = '' }: Ballot): Promise<void> =>
  Act.run(client, 'vote', { proposalId }, async (act) => {
    if (client.relay) {
      const ballot = { proposalId, support, reason }
      const { signature } = await signOnce(act, `ballot ${support} ${reason}`, {
        nonce: () => ballotNonce(client),
        data: ({ nonce }) => ballotData(client, ballot, nonce),
        isLasting: true,
        isDone: () => client.read('ModelGovernor', 'hasVoted', [proposalId, act.account]),
      })
      return sendBallot(act, { ...ballot, voter: act.account, signature })
    }
    const args = [proposalId, SUPPORT[support], reason] as const
    await act.send({ contract: 'ModelGovernor', functionName: 'castVoteWithReason', args })
  })
