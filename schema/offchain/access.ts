import { Address, Choice, Id, OffChain, Ref, Text, Time, Wei } from '../define.ts'
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
}

@OffChain('A consumer’s newest signed voucher for an endpoint: calls may cost at most what it grants.')
export class SignedVoucher {
  @Id('`endpoint-consumer`.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'The endpoint.', { inverse: 'signedVouchers' }) endpointId!: string
  @Address('The account that signed.', { index: true }) consumer!: string
  @Wei('Cumulative fees granted.') cumulative!: bigint
  @Wei('Seconds since 1970 until which it may be redeemed.') deadline!: bigint
  @Text('The EIP-712 signature.') signature!: string
  @Wei('Fees of calls answered so far under the vouchers.') used!: bigint
  @Time('When it was submitted.') signedAt!: Date
}
