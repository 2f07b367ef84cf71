import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import type { Act } from '../act.ts'
import type { Client } from '../client.ts'

/** OpenZeppelin's `VoteType`. */
export const SUPPORT = { against: 0, for: 1, abstain: 2 } as const
export type Support = keyof typeof SUPPORT

export interface Ballot {
  proposalId: bigint
  support: Support
  /** Shown to everybody. */
  reason?: string
}

/** A ballot that its voter has signed. */
export interface SignedBallot extends Ballot {
  voter: Hex
  signature: Hex
}

/** The nonce of the account's next ballot. */
export const ballotNonce = (client: Client): Promise<bigint> =>
  client.read('ModelGovernor', 'nonces', [accountOf(client)])

/** What a voter signs: OpenZeppelin's `ExtendedBallot`. */
export async function ballotData(client: Client, ballot: Ballot, nonce: bigint) {
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

/** Sends a ballot with its voter's signature, whoever pays. */
export async function sendBallot(
  act: Act,
  { proposalId, support, voter, reason = '', signature }: SignedBallot,
): Promise<void> {
  const args = [proposalId, SUPPORT[support], voter, reason, '0x', signature] as const
  await act.send({ contract: 'ModelGovernor', functionName: 'castVoteWithReasonAndParamsBySig', args })
}
