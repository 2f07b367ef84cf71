import type { Hex } from 'viem'
import { accountOf, walletOf } from '../account.ts'
import type { Client } from '../client.ts'
import { type Ballot, ballotData, ballotNonce, type SignedBallot } from './ballot.ts'

/**
 * Signs a ballot without sending it: somebody else pays for its transaction. A ballot that is not cast before the voter's next one is void.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, signBallot } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 2 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const ballot = await signBallot(client, { proposalId: 1n, support: 'for', reason: 'It is useful.' })
 * assert.equal(ballot.voter, account.address) // another account: await castSignedBallot(other, ballot)
 * ```
 */
export const signBallot = async (client: Client, ballot: Ballot): Promise<SignedBallot> => ({
  ...ballot,
  voter: accountOf(client),
  signature: await ballotSignature(client, ballot),
})

async function ballotSignature(client: Client, ballot: Ballot): Promise<Hex> {
  const { account } = walletOf(client)
  const data = await ballotData(client, ballot, await ballotNonce(client))
  return walletOf(client).signTypedData({ ...data, account })
}
