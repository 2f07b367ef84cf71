import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { type SignedBallot, sendBallot } from './ballot.ts'

/**
 * Casts a ballot that another account has signed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { castSignedBallot, connect, signBallot, withAccount } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const voter = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 2 })
 * const ballot = await signBallot(withAccount(client, voter), { proposalId: 1n, support: 'for' })
 * await assert.rejects(castSignedBallot(client, ballot), /no such proposal/)
 * ```
 */
export const castSignedBallot = (client: Client, ballot: SignedBallot): Promise<void> =>
  Act.run(client, 'castSignedBallot', { proposalId: ballot.proposalId, voter: ballot.voter }, (act) =>
    sendBallot(act, ballot),
  )
