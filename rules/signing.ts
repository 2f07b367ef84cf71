/** Rule 3 (signatures): the EIP-712 message of a contributor, for one chain and one contract. Consumers' vouchers: `channel.ts`. */

import type { Hex } from 'viem'

/** The chain and contract that a signature is valid for. */
export interface SigningDomain {
  chainId: number
  contract: Hex
}

export interface ContributionMessage {
  datanetId: bigint
  contributor: Hex
  contentsHash: Hex
  /** Stake behind each content, in wei of gOPEN. */
  stakeEach: bigint
  /** The contributor's `nonces` in the contract: the number of its signed batches so far. */
  nonce: bigint
  /** Seconds since 1970. */
  deadline: bigint
}

const domain = ({ chainId, contract }: SigningDomain) => ({
  name: 'DatanetRegistry',
  version: '1',
  chainId,
  verifyingContract: contract,
})

/**
 * EIP-712: what a contributor signs so that others may submit a batch.
 * @oracle DatanetRegistry.submit
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { verifyTypedData } from 'viem'
 * import { privateKeyToAccount } from 'viem/accounts'
 * import { contributionData } from '#rules/signing.ts'
 *
 * const account = privateKeyToAccount(`0x${'01'.repeat(32)}`)
 * const data = contributionData(
 *   { chainId: 31_337, contract: `0x${'22'.repeat(20)}` },
 *   {
 *     datanetId: 1n,
 *     contributor: account.address,
 *     contentsHash: `0x${'33'.repeat(32)}`,
 *     stakeEach: 5n,
 *     nonce: 0n,
 *     deadline: 2_000_000_000n,
 *   },
 * )
 * const signature = await account.signTypedData(data)
 * assert.ok(await verifyTypedData({ ...data, address: account.address, signature }))
 * ```
 */
export const contributionData = (signingDomain: SigningDomain, message: ContributionMessage) => ({
  domain: domain(signingDomain),
  types: {
    Contribution: [
      { name: 'datanetId', type: 'uint256' },
      { name: 'contributor', type: 'address' },
      { name: 'contentsHash', type: 'bytes32' },
      { name: 'stakeEach', type: 'uint256' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
    ],
  } as const,
  primaryType: 'Contribution' as const,
  message,
})
