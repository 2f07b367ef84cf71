import { Address, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'
import { ModelVersion } from './models.ts'

@OnChain('An address at which a promoted version answers for a price.')
export class Endpoint extends Versioned {
  @Id('The endpoint id.', { numeric: true }) id!: string
  @Ref(() => ModelVersion, 'version', 'The version that answers.', { inverse: 'endpoints' }) versionId!: string
  @Address('Who hosts it.', { index: true }) host!: string
  @Text('Where it answers.') url!: string
  @Wei('Price of 1,000 input tokens.') priceIn!: bigint
  @Wei('Price of 1,000 output tokens.') priceOut!: bigint
  @Time('When it was registered.') registeredAt!: Date
}

@OnChain('A consumer’s prepaid credit.')
export class Credit extends Versioned {
  @Id('The consumer.') id!: string
  @Wei('Credit now.') balance!: bigint
  @Wei('Deposited, in all.') deposited!: bigint
  @Wei('Spent by vouchers, in all.') spent!: bigint
  @Wei('Withdrawn, in all.') withdrawn!: bigint
  @Wei('Asked to be withdrawn.') withdrawing!: bigint
  @Time('When that may be withdrawn.', { nullable: true }) withdrawableAt!: Date | null
}

@OnChain('What a consumer’s vouchers have granted an endpoint so far.')
export class Voucher extends Versioned {
  @Id('`endpoint-consumer`.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'The endpoint.', { inverse: 'vouchers' }) endpointId!: string
  @Address('Who pays.', { index: true }) consumer!: string
  @Wei('Cumulative fees redeemed.') cumulative!: bigint
}

@OnChain('The usage of one endpoint in one epoch, settled.')
export class UsageSettlement extends Versioned {
  @Id('`epoch-endpoint`.') id!: string
  @Integer('The epoch.', { index: true }) epoch!: number
  @Ref(() => Endpoint, 'endpoint', 'The endpoint.', { inverse: 'usage' }) endpointId!: string
  @Hash('The usage artifact: receipts with attributions.') root!: string
  @Wei('Input tokens.') tokensIn!: bigint
  @Wei('Output tokens.') tokensOut!: bigint
  @Wei('Fees.') fees!: bigint
  @Time('When it was settled.') settledAt!: Date
}
