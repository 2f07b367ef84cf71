import { Address, Choice, Clock, Id, Indexed, Integer, OffChain, Ref, Text, Texts, Time, Wei } from '../define.ts'
import { Endpoint } from '../onchain/market.ts'

/** The most calls, or tokens, that a key may be limited to in a minute. */
export const MAX_RATE = 1_000_000_000

export const ACCESS_ROLES = ['Consumer', 'Operator'] as const
/** What a key may do beside reading: call models; whatever else its role may. */
export const ACCESS_SCOPES = ['infer', 'write'] as const

@OffChain('A key to the API. Only its hash is stored.')
export class ApiKey {
  @Id('SHA-256 of the key.') id!: string
  @Address('The account it acts for.', { index: true }) account!: string
  @Choice('AccessRole', ACCESS_ROLES, 'A consumer may use endpoints; an operator may also start jobs.')
  role!: (typeof ACCESS_ROLES)[number]
  @Text('A note on its purpose.') label!: string
  @Text('Its first characters, by which its owner knows it; null for an operator’s.', { nullable: true }) prefix!:
    | string
    | null
  @Texts('What it may do beside reading, of infer and write; null: both.', { nullable: true }) scopes!: string[] | null
  @Wei('What its calls may cost together; null: as much as its account may spend.', { nullable: true })
  spendCap!: bigint | null
  @Integer('How many calls it may start in 60 seconds; null: as many as its account.', { nullable: true })
  requestsPerMinute!: number | null
  @Integer('How many tokens its calls of 60 seconds may have together; null: any number.', { nullable: true })
  tokensPerMinute!: number | null
  @Time('When it was created.') createdAt!: Date
  @Time('When it ends by itself.', { nullable: true }) expiresAt!: Date | null
  @Time('When it was revoked.', { nullable: true }) revokedAt!: Date | null
  @Clock('The day of its last upload, in days since 1970 (UTC).', { default: 0 }) uploadDay!: number
  @Clock('The bytes that it uploaded on that day.', { default: 0 }) uploadedBytes!: number
}

@OffChain('A call of a key.')
@Indexed('key_call_recent', 'key_id, started_at')
export class KeyCall {
  @Id('The job, and the credit that it holds.') id!: string
  @Text('The key, by its SHA-256.') keyId!: string
  @Time('When it was started. Null: by an earlier release.', { nullable: true }) startedAt!: Date | null
  @Integer('How many tokens it may have, prompt and answer.', { default: 0 }) maxTokens!: number
}

@OffChain('Who may call an endpoint beside its host. Without such a row, everybody may.')
export class EndpointCallers {
  @Id('The endpoint.') id!: string
  @Texts('The accounts, in lower case and in order.') accounts!: string[]
  @Address('The account that has set the list; null for the operator’s command line, or where nobody is identified.', {
    nullable: true,
  })
  changedBy!: string | null
  @Time('When it was set.') changedAt!: Date
}

@OffChain('Somebody has signed in with an account (EIP-4361): may read what is the account’s, and make keys of it.')
export class SignInSession {
  @Id('The nonce of the message that was signed: no message opens two sessions.') id!: string
  @Text('SHA-256 of the session’s token.', { index: true }) tokenHash!: string
  @Address('The account.', { index: true }) account!: string
  @Time('When it began.') createdAt!: Date
  @Time('When it ends.') expiresAt!: Date
}

@OffChain('By what this installation knows the nonces that it has made.')
export class SignInSecret {
  @Id('What it is for.') id!: string
  @Text('256 bits as hex.') secret!: string
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
