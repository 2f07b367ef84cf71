import type { Hex } from 'viem'

/** Where a signature counts: on this chain, for this contract only. */
export interface SigningDomain {
  chainId: number
  contract: Hex
}

export interface ContributionMessage {
  datanetId: bigint
  contributor: Hex
  contentsHash: Hex
  /** gOPEN wei behind each content. */
  stakeEach: bigint
  /** How many batches this contributor signed before. */
  nonce: bigint
  /** Seconds since 1970. */
  deadline: bigint
}

export interface VoucherMessage {
  consumer: Hex
  endpointId: bigint
  /** All fees granted at this endpoint so far, in wei. */
  cumulative: bigint
  /** Seconds since 1970. */
  deadline: bigint
}

const domain = (name: 'DatanetRegistry' | 'InferenceMarket', { chainId, contract }: SigningDomain) => ({
  name,
  version: '1',
  chainId,
  verifyingContract: contract,
})

/** EIP-712: what a contributor signs so that others may submit a batch. */
export const contributionData = (place: SigningDomain, message: ContributionMessage) => ({
  domain: domain('DatanetRegistry', place),
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

/** EIP-712: what a consumer signs so that an endpoint may take fees up to a cumulative sum. */
export const voucherData = (place: SigningDomain, message: VoucherMessage) => ({
  domain: domain('InferenceMarket', place),
  types: {
    Voucher: [
      { name: 'consumer', type: 'address' },
      { name: 'endpointId', type: 'uint256' },
      { name: 'cumulative', type: 'uint256' },
      { name: 'deadline', type: 'uint64' },
    ],
  } as const,
  primaryType: 'Voucher' as const,
  message,
})
