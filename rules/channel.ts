/** Rule 7, amendment 7a (vouchers): payment channels of a consumer with an endpoint, and what consumers sign. The formats are those of x402's
 *  `batch-settlement` scheme, so that its clients sign them. */

import { encodeAbiParameters, type Hex, hashTypedData, keccak256 } from 'viem'

/** The market on one chain, with the settings that its channels have in common. */
export interface MarketPlace {
  chainId: number
  market: Hex
  /** gOPEN. */
  token: Hex
  /** Seconds from a consumer's request to its withdrawal. */
  withdrawalDelay: number
}

/** What tells the channels of a market apart. */
export interface ChannelPlace {
  endpointId: bigint
  host: Hex
  consumer: Hex
  /** The plain key that signs the vouchers: the consumer's own, or any other. */
  key: Hex
  /** 32 bytes of the consumer's choice. */
  salt: Hex
}

/** A cumulative ceiling: all that the host may redeem of the channel so far, in wei. Below 2^128. */
export interface Voucher {
  channelId: Hex
  ceiling: bigint
}

/** x402's EIP-712 domain. What binds a voucher to a market and an endpoint is the channel's `receiverAuthorizer`. */
const x402Domain = (chainId: number) => ({
  name: 'x402 Batch Settlement',
  version: '1',
  chainId,
  verifyingContract: '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003' as Hex,
})

const CHANNEL_CONFIG = [
  { name: 'payer', type: 'address' },
  { name: 'payerAuthorizer', type: 'address' },
  { name: 'receiver', type: 'address' },
  { name: 'receiverAuthorizer', type: 'address' },
  { name: 'token', type: 'address' },
  { name: 'withdrawDelay', type: 'uint40' },
  { name: 'salt', type: 'bytes32' },
] as const

/** What the channels of an endpoint have as `receiverAuthorizer`. Nobody has its key.
 *  @oracle InferenceMarket.authorizerOf */
export const authorizerOf = (market: Hex, endpointId: bigint): Hex =>
  `0x${keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'uint256' }], [market, endpointId])).slice(-40)}`

/** A channel as x402's `ChannelConfig`, which the contract takes. */
export const channelConfig = (place: MarketPlace, { endpointId, host, consumer, key, salt }: ChannelPlace) => ({
  payer: consumer,
  payerAuthorizer: key,
  receiver: host,
  receiverAuthorizer: authorizerOf(place.market, endpointId),
  token: place.token,
  withdrawDelay: place.withdrawalDelay,
  salt,
})

/** @oracle InferenceMarket.channelId */
export const channelId = (place: MarketPlace, channel: ChannelPlace): Hex =>
  hashTypedData({
    domain: x402Domain(place.chainId),
    types: { ChannelConfig: CHANNEL_CONFIG },
    primaryType: 'ChannelConfig',
    message: channelConfig(place, channel),
  })

/**
 * EIP-712: what the key of a channel signs so that the host may redeem fees up to a cumulative ceiling.
 * @oracle InferenceMarket.redeem
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { verifyTypedData } from 'viem'
 * import { privateKeyToAccount } from 'viem/accounts'
 * import { voucherData } from '#rules/channel.ts'
 *
 * const account = privateKeyToAccount(`0x${'01'.repeat(32)}`)
 * const data = voucherData(31_337, { channelId: `0x${'33'.repeat(32)}`, ceiling: 10n ** 18n })
 * const signature = await account.signTypedData(data)
 * assert.ok(await verifyTypedData({ ...data, address: account.address, signature }))
 * ```
 */
export const voucherData = (chainId: number, { channelId, ceiling }: Voucher) => ({
  domain: x402Domain(chainId),
  types: {
    Voucher: [
      { name: 'channelId', type: 'bytes32' },
      { name: 'maxClaimableAmount', type: 'uint128' },
    ],
  } as const,
  primaryType: 'Voucher' as const,
  message: { channelId, maxClaimableAmount: ceiling },
})
