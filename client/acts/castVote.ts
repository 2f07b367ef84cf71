import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { type Ballot, ballotData, ballotNonce, SUPPORT, sendBallot } from './ballot.ts'
import { proposalStateOf } from './governor.ts'
import { signOnce } from './signOnce.ts'

/**
 * Votes with the power that the account had at the proposal's snapshot. `evenUncounted`: also without any, for the reason's sake.
 * @throws ClientError when it had none: its ballot would be taken, and count nothing.
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
export const castVote = (
  client: Client,
  { proposalId, support, reason = '', evenUncounted }: Ballot & { evenUncounted?: boolean },
): Promise<void> =>
  Act.run(client, 'vote', { proposalId }, async (act) => {
    if (!evenUncounted) await requirePower(act, proposalId)
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

/** Whatever makes the contract refuse a ballot, it says itself. */
async function requirePower({ client, account }: Act, proposalId: bigint): Promise<void> {
  const snapshot = await client.read('ModelGovernor', 'proposalSnapshot', [proposalId])
  if (snapshot === 0n) return
  if ((await proposalStateOf(client, proposalId)) !== 'Active') return
  if ((await client.read('GOpen', 'getPastVotes', [account, snapshot])) > 0n) return
  throw new ClientError(
    `A ballot of ${account} would count nothing: it had no votes when the vote on proposal ${proposalId} began. Wrap native tokens (wrap), and lock and delegate gOPEN (delegate), before the vote on the next proposal begins.`,
  )
}
