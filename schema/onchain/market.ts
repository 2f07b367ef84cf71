import { Address, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'
import { ModelVersion } from './models.ts'

@OnChain('A URL at which a promoted version answers for a price.')
export class Endpoint extends Versioned {
  @Id('The endpoint id.', { numeric: true }) id!: string
  @Ref(() => ModelVersion, 'version', 'The version that answers.', { inverse: 'endpoints' }) versionId!: string
  @Address('The host.', { index: true }) host!: string
  @Text('Its URL.') url!: string
  @Wei('Price of 1,000 input tokens.') priceIn!: bigint
  @Wei('Price of 1,000 output tokens.') priceOut!: bigint
  @Time('When it was registered.') registeredAt!: Date
}

@OnChain('A consumer’s prepaid credit.')
export class Credit extends Versioned {
  @Id('The consumer.') id!: string
  @Wei('The present credit.') balance!: bigint
  @Wei('All deposits.') deposited!: bigint
  @Wei('Everything spent by vouchers.') spent!: bigint
  @Wei('All withdrawals.') withdrawn!: bigint
  @Wei('The pending withdrawal.') withdrawing!: bigint
  @Time('When the pending withdrawal becomes available.', { nullable: true }) withdrawableAt!: Date | null
}

@OnChain('The fees that an endpoint has redeemed from a consumer’s vouchers.')
export class Voucher extends Versioned {
  @Id('`endpoint-consumer`.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'The endpoint.', { inverse: 'vouchers' }) endpointId!: string
  @Address('The account that pays.', { index: true }) consumer!: string
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
