import { Address, Choice, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'
import { ModelVersion } from './models.ts'

@OnChain('A URL at which a promoted version answers for a price.')
export class Endpoint extends Versioned {
  @Id('The endpoint id.', { numeric: true }) id!: string
  @Ref(() => ModelVersion, 'version', 'The version that answers.', { inverse: 'endpoints' }) versionId!: string
  @Address('The account that answers, and that its fees pay.', { index: true }) host!: string
  @Text('Where requests are sent.') url!: string
  @Wei('Price of 1,000 input tokens.') priceIn!: bigint
  @Wei('Price of 1,000 output tokens.') priceOut!: bigint
  @Time('When it was registered.') registeredAt!: Date
}

@OnChain('A consumer’s prepaid credit with one endpoint.')
export class PaymentChannel extends Versioned {
  @Id('The channel id: the hash of its configuration.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'For whose answers it pays: an endpoint.', { inverse: 'channels' })
  endpointId!: string
  @Address('The account that pays.', { index: true }) consumer!: string
  @Address('The key that signs its vouchers.') key!: string
  @Hash('Tells apart the channels of one consumer, endpoint and key.') salt!: string
  @Wei('The present credit.') balance!: bigint
  @Wei('All that was paid in so far, in wei.') deposited!: bigint
  @Wei('All that the host has redeemed.') redeemed!: bigint
  @Wei('All withdrawals.') withdrawn!: bigint
  @Wei('The pending withdrawal.') withdrawing!: bigint
  @Time('When the pending withdrawal becomes available.', { nullable: true }) withdrawableAt!: Date | null
}

@OnChain('Fees that a host has redeemed from a channel: they belong to the rewards of an epoch.')
export class Redemption extends Versioned {
  @Id('The event’s id.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'Which endpoint earned them.', { inverse: 'redemptions' }) endpointId!: string
  @Ref(() => ModelVersion, 'version', 'The version that it served in that block.', { inverse: 'redemptions' })
  versionId!: string
  @Ref(() => PaymentChannel, 'channel', 'From which channel the fees came.', { inverse: 'redemptions' })
  channelId!: string
  @Address('The account that pays.', { index: true }) consumer!: string
  @Integer('To the rewards of which epoch they belong.', { index: true }) epoch!: number
  @Wei('All that was redeemed from the channel so far, this included.') total!: bigint
  @Wei('The fees.') amount!: bigint
  @Time('When it was redeemed.') redeemedAt!: Date
}

export const REDEMPTION_FAILURES = [
  'None',
  'UnknownEndpoint',
  'NotHost',
  'OtherChannel',
  'BadSignature',
  'BeyondCeiling',
  'NothingNew',
  'InsufficientCredit',
] as const

@OnChain('A redemption that failed. Nothing moved.')
export class FailedRedemption extends Versioned {
  @Id('The event’s id.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'The endpoint that was named; anybody may name one that does not exist.', {
    inverse: 'failedRedemptions',
  })
  endpointId!: string
  @Ref(() => PaymentChannel, 'channel', 'The channel that was named; anybody may name one that does not exist.', {
    inverse: 'failedRedemptions',
  })
  channelId!: string
  @Address('The account that would pay.', { index: true }) consumer!: string
  @Choice('RedemptionFailure', REDEMPTION_FAILURES, 'Why.') reason!: (typeof REDEMPTION_FAILURES)[number]
  @Time('When it failed.') failedAt!: Date
}
