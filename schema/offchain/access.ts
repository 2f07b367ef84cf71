import { Address, Choice, Clock, Id, OffChain, Ref, Text, Time, Wei } from '../define.ts'
import { Endpoint } from '../onchain/market.ts'

export const ACCESS_ROLES = ['Consumer', 'Operator'] as const

@OffChain('A key to the API. Only its hash is stored.')
export class ApiKey {
  @Id('SHA-256 of the key.') id!: string
  @Address('The account it acts for.', { index: true }) account!: string
  @Choice('AccessRole', ACCESS_ROLES, 'A consumer may use endpoints; an operator may also start jobs.')
  role!: (typeof ACCESS_ROLES)[number]
  @Text('A note on its purpose.') label!: string
  @Time('When it was created.') createdAt!: Date
  @Time('When it was revoked.', { nullable: true }) revokedAt!: Date | null
  @Clock('The day of its last upload, in days since 1970 (UTC).', { default: 0 }) uploadDay!: number
  @Clock('The bytes that it uploaded on that day.', { default: 0 }) uploadedBytes!: number
}

@OffChain('The newest voucher of a channel: its calls may cost at most what it grants.')
export class SignedVoucher {
  @Id('The channel id.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'Whose host may redeem it: an endpoint.', { inverse: 'signedVouchers' })
  endpointId!: string
  @Address('The account that pays.', { index: true }) consumer!: string
  @Wei('All fees granted so far.') ceiling!: bigint
  @Text('The EIP-712 signature of the channel’s key.') signature!: string
  @Wei('Fees of calls answered so far, redeemed or not.') used!: bigint
  @Time('When it was submitted.') signedAt!: Date
}
