/** Rule 3 and amendment 4a (signatures): the EIP-712 messages of contributors and of hosts, for one chain and one contract. Consumers' vouchers:
 *  `channel.ts`; receipts: `receipt.ts`. */

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

/** gOPEN's name as a signing domain. */
const TOKEN_NAME = 'Governance OPEN'

/** The EIP-712 domain of one of our contracts. */
export const domain = (name: string, { chainId, contract }: SigningDomain) => ({
  name,
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
  domain: domain('DatanetRegistry', signingDomain),
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

/**
 * EIP-712: what a host signs so that the receipts of one usage document count in the reward map of one epoch; `contract` is the distributor.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { recoverTypedDataAddress } from 'viem'
 * import { privateKeyToAccount } from 'viem/accounts'
 * import { usageData } from '#rules/signing.ts'
 *
 * const host = privateKeyToAccount(`0x${'01'.repeat(32)}`)
 * const data = usageData({ chainId: 31_337, contract: `0x${'22'.repeat(20)}` }, 1, `0x${'33'.repeat(32)}`)
 * const signature = await host.signTypedData(data)
 * assert.equal(await recoverTypedDataAddress({ ...data, signature }), host.address)
 * ```
 */
export const usageData = (signingDomain: SigningDomain, epoch: number, document: Hex) => ({
  domain: domain('RewardDistributor', signingDomain),
  types: {
    Usage: [
      { name: 'epoch', type: 'uint256' },
      { name: 'document', type: 'bytes32' },
    ],
  } as const,
  primaryType: 'Usage' as const,
  message: { epoch: BigInt(epoch), document },
})

/**
 * EIP-712: what a contributor signs to withdraw contributions; `contract` is the registry of datanets.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { recoverTypedDataAddress } from 'viem'
 * import { privateKeyToAccount } from 'viem/accounts'
 * import { withdrawalData } from '#rules/signing.ts'
 *
 * const account = privateKeyToAccount(`0x${'01'.repeat(32)}`)
 * const domain = { chainId: 31_337, contract: `0x${'22'.repeat(20)}` } as const
 * const data = withdrawalData(domain, { contributionIds: [7n], reason: 'I had no right to give it.' })
 * const signature = await account.signTypedData(data)
 * assert.equal(await recoverTypedDataAddress({ ...data, signature }), account.address)
 * ```
 */
export const withdrawalData = (
  signingDomain: SigningDomain,
  message: { contributionIds: readonly bigint[]; reason: string },
) => ({
  domain: domain('DatanetRegistry', signingDomain),
  types: {
    Withdrawal: [
      { name: 'contributionIds', type: 'uint256[]' },
      { name: 'reason', type: 'string' },
    ],
  } as const,
  primaryType: 'Withdrawal' as const,
  message,
})

/** What an account signs so that others may let another account vote with what it has locked; `contract` is gOPEN. `nonce`: its `nonces` there. */
export const delegationData = (
  signingDomain: SigningDomain,
  message: { delegatee: Hex; nonce: bigint; expiry: bigint },
) => ({
  domain: domain(TOKEN_NAME, signingDomain),
  types: {
    Delegation: [
      { name: 'delegatee', type: 'address' },
      { name: 'nonce', type: 'uint256' },
      { name: 'expiry', type: 'uint256' },
    ],
  } as const,
  primaryType: 'Delegation' as const,
  message,
})

/** ERC-2612: what an account signs so that others may allow a contract to take gOPEN of it, in wei; `contract` is gOPEN. */
export const permitData = (
  signingDomain: SigningDomain,
  message: { owner: Hex; spender: Hex; value: bigint; nonce: bigint; deadline: bigint },
) => ({
  domain: domain(TOKEN_NAME, signingDomain),
  types: {
    Permit: [
      { name: 'owner', type: 'address' },
      { name: 'spender', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
    ],
  } as const,
  primaryType: 'Permit' as const,
  message,
})

/** Half of the order of the curve: a signature with a greater `s` has a twin with a smaller one, and contracts take only the smaller. */
export const MAX_SIGNATURE_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
