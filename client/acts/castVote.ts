import type { Hex } from 'viem'
import { accountOf, walletOf } from '../account.ts'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { signOnce } from './signOnce.ts'

/** OpenZeppelin's `VoteType`. */
export const SUPPORT = { against: 0, for: 1, abstain: 2 } as const
export type Support = keyof typeof SUPPORT

export interface Ballot {
  proposalId: bigint
  support: Support
  /** Shown to everybody. */
  reason?: string
}

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
        nonce: () => nextNonce(client),
        data: ({ nonce }) => ballotData(client, ballot, nonce),
        isLasting: true,
        isDone: () => client.read('ModelGovernor', 'hasVoted', [proposalId, act.account]),
      })
      return cast(act, { ...ballot, voter: act.account, signature })
    }
    const args = [proposalId, SUPPORT[support], reason] as const
    await act.send({ contract: 'ModelGovernor', functionName: 'castVoteWithReason', args })
  })

/** A ballot that its voter has signed. */
export interface SignedBallot extends Ballot {
  voter: Hex
  signature: Hex
}

/** Signs a ballot without sending it: somebody else pays for its transaction. A ballot that is not cast before the voter's next one is void. */
export const signBallot = async (client: Client, ballot: Ballot): Promise<SignedBallot> => ({
  ...ballot,
  voter: accountOf(client),
  signature: await ballotSignature(client, ballot),
})

async function ballotSignature(client: Client, ballot: Ballot): Promise<Hex> {
  const { account } = walletOf(client)
  const data = await ballotData(client, ballot, await nextNonce(client))
  return walletOf(client).signTypedData({ ...data, account })
}

const nextNonce = (client: Client): Promise<bigint> => client.read('ModelGovernor', 'nonces', [accountOf(client)])

/** OpenZeppelin's `ExtendedBallot`. */
async function ballotData(client: Client, ballot: Ballot, nonce: bigint) {
  const [name, version] = await Promise.all([
    client.read('ModelGovernor', 'name', []),
    client.read('ModelGovernor', 'version', []),
  ])
  const { proposalId, support, reason = '' } = ballot
  const { chainId, addresses } = client.deployment
  return {
    domain: { name, version, chainId, verifyingContract: addresses.ModelGovernor },
    types: {
      ExtendedBallot: [
        { name: 'proposalId', type: 'uint256' },
        { name: 'support', type: 'uint8' },
        { name: 'voter', type: 'address' },
        { name: 'nonce', type: 'uint256' },
        { name: 'reason', type: 'string' },
        { name: 'params', type: 'bytes' },
      ],
    },
    primaryType: 'ExtendedBallot',
    message: { proposalId, support: SUPPORT[support], voter: accountOf(client), nonce, reason, params: '0x' },
  } as const
}

/** Casts a ballot that another account has signed. */
export const castSignedBallot = (client: Client, ballot: SignedBallot): Promise<void> =>
  Act.run(client, 'castSignedBallot', { proposalId: ballot.proposalId, voter: ballot.voter }, (act) =>
    cast(act, ballot),
  )

async function cast(act: Act, { proposalId, support, voter, reason = '', signature }: SignedBallot): Promise<void> {
  const args = [proposalId, SUPPORT[support], voter, reason, '0x', signature] as const
  await act.send({ contract: 'ModelGovernor', functionName: 'castVoteWithReasonAndParamsBySig', args })
}
