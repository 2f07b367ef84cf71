import { createHash } from 'node:crypto'
import type { Sql } from '#schema/database.ts'
import type { ACCESS_SCOPES, ApiKey } from '#schema/offchain/access.ts'
import { ApiError } from './errors.ts'

/** The sender of a request. In open mode everybody has all rights; with keys, a caller without a key may only read. */
export type Caller =
  | { kind: 'open' }
  | { kind: 'anonymous' }
  | (Pick<ApiKey, 'id' | 'account' | 'role'> &
      Partial<Pick<ApiKey, 'scopes' | 'spendCap' | 'requestsPerMinute' | 'tokensPerMinute'>> & { kind: 'key' })
  /** Somebody who has signed in: reads what is the account’s, and makes keys for everything else. */
  | { kind: 'session'; id: string; account: string }
  /** Whoever has sent a fresh voucher with a call: it pays for that call, and allows nothing else. */
  | { kind: 'payer'; account: string }

/** What a request needs beside reading. */
export type KeyScope = 'read' | (typeof ACCESS_SCOPES)[number]

/** The id under which a key is stored: its SHA-256. */
export const hashKey = (key: string) => createHash('sha256').update(key).digest('hex')

/** How a token of a session begins. */
export const SESSION_PREFIX = 'mcs_'

/** The caller that the `Authorization` header identifies.
 *  @throws ApiError when the header is not a bearer key, or the key is unknown, expired or revoked. */
export async function callerOf(sql: Sql, auth: 'open' | 'keys', header: string | undefined): Promise<Caller> {
  if (auth === 'open') return { kind: 'open' }
  if (header === undefined) return { kind: 'anonymous' }
  const key = /^Bearer ([\w.~+/-]{8,256}=*)$/i.exec(header)?.[1]
  if (!key)
    throw new ApiError('UNAUTHENTICATED', 'Send the header `Authorization: Bearer <key>` with a key of this API.')
  if (key.startsWith(SESSION_PREFIX)) return sessionOf(sql, key)
  const { rows } = await sql.query<
    Pick<ApiKey, 'id' | 'account' | 'role' | 'scopes' | 'spendCap' | 'requestsPerMinute' | 'tokensPerMinute'>
  >(
    `select id, account, role, scopes, spend_cap as "spendCap", requests_per_minute as "requestsPerMinute",
       tokens_per_minute as "tokensPerMinute" from api_key
     where id = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [hashKey(key)],
  )
  const found = rows[0]
  if (!found)
    throw new ApiError(
      'UNAUTHENTICATED',
      'The key is unknown, or has expired, or was revoked. Sign in for a new one, or ask the operator.',
    )
  return { kind: 'key', ...found }
}

async function sessionOf(sql: Sql, token: string): Promise<Caller> {
  const { rows } = await sql.query<{ id: string; account: string }>(
    'select id, account from sign_in_session where token_hash = $1 and expires_at > now()',
    [hashKey(token)],
  )
  if (!rows[0]) throw new ApiError('UNAUTHENTICATED', 'The session has ended. Sign in again.')
  return { kind: 'session', ...rows[0] }
}

/** @throws ApiError unless the caller may start jobs. */
export function requireOperator(caller: Caller): void {
  if (caller.kind === 'open') return
  requireKey(caller)
  if (caller.kind === 'key' && caller.role !== 'Operator')
    throw new ApiError('FORBIDDEN', 'Only an operator may do this; the key sent is a consumer’s.')
}

/** @throws ApiError when keys are required and the caller has none, or one that may not do this. */
export function requireKey(caller: Caller, scope: KeyScope = 'write'): void {
  if (caller.kind === 'anonymous' || caller.kind === 'payer')
    throw new ApiError('UNAUTHENTICATED', 'A key is required: send the header `Authorization: Bearer <key>`.')
  if (scope === 'read') return
  if (caller.kind === 'session')
    throw new ApiError(
      'FORBIDDEN',
      'A session reads and makes keys. Make a key (POST /auth/keys), and use it for this.',
    )
  if (caller.kind === 'key' && caller.scopes && !caller.scopes.includes(scope))
    throw new ApiError('FORBIDDEN', `Your key lacks the scope ${scope}; it has ${caller.scopes.join(', ') || 'none'}.`)
}

/** @throws ApiError unless the caller acts for `account`, or is an operator. */
export function requireAccount(caller: Caller, account: string, scope: KeyScope = 'write'): void {
  requireKey(caller, scope)
  if (caller.kind === 'key' && caller.role !== 'Operator' && caller.account !== account.toLowerCase())
    throw new ApiError('FORBIDDEN', `Your key acts for ${caller.account}, not for ${account.toLowerCase()}.`)
}

/** The account for which the caller requests jobs, which has signed in, or which pays; null in open mode. */
export const callerAccount = (caller: Caller): string | null => ('account' in caller ? caller.account : null)
