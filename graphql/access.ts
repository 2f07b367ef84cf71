import { createHash } from 'node:crypto'
import type { Sql } from '#schema/database.ts'
import type { ApiKey } from '#schema/offchain/access.ts'
import { ApiError } from './errors.ts'

/** The sender of a request. In open mode everybody has all rights; with keys, a caller without a key may only read. */
export type Caller =
  | { kind: 'open' }
  | { kind: 'anonymous' }
  | { kind: 'key'; id: string; account: string; role: ApiKey['role'] }

/** The id under which a key is stored: its SHA-256. */
export const hashKey = (key: string) => createHash('sha256').update(key).digest('hex')

/** The caller that the `Authorization` header identifies.
 *  @throws ApiError when the header is not a bearer key, or the key is unknown or revoked. */
export async function callerOf(sql: Sql, auth: 'open' | 'keys', header: string | undefined): Promise<Caller> {
  if (auth === 'open') return { kind: 'open' }
  if (header === undefined) return { kind: 'anonymous' }
  const key = /^Bearer ([\w.~+/-]{8,256}=*)$/i.exec(header)?.[1]
  if (!key)
    throw new ApiError('UNAUTHENTICATED', 'Send the header `Authorization: Bearer <key>` with a key of this API.')
  const { rows } = await sql.query<Pick<ApiKey, 'id' | 'account' | 'role'>>(
    'select id, account, role from api_key where id = $1 and revoked_at is null',
    [hashKey(key)],
  )
  const found = rows[0]
  if (!found)
    throw new ApiError('UNAUTHENTICATED', 'The key is unknown or was revoked. Ask the operator for a new key.')
  return { kind: 'key', ...found }
}

/** @throws ApiError unless the caller may start jobs. */
export function requireOperator(caller: Caller): void {
  if (caller.kind === 'open') return
  requireKey(caller)
  if (caller.kind === 'key' && caller.role !== 'Operator')
    throw new ApiError('FORBIDDEN', 'Only an operator may do this; the key sent is a consumer’s.')
}

/** @throws ApiError when keys are required and the caller has none. */
export function requireKey(caller: Caller): void {
  if (caller.kind === 'anonymous')
    throw new ApiError('UNAUTHENTICATED', 'A key is required: send the header `Authorization: Bearer <key>`.')
}

/** @throws ApiError unless the caller acts for `account`, or is an operator. */
export function requireAccount(caller: Caller, account: string): void {
  requireKey(caller)
  if (caller.kind === 'key' && caller.role !== 'Operator' && caller.account !== account.toLowerCase())
    throw new ApiError('FORBIDDEN', `Your key acts for ${caller.account}, not for ${account.toLowerCase()}.`)
}

/** The account for which the caller requests jobs; null in open mode. */
export const callerAccount = (caller: Caller): string | null => (caller.kind === 'key' ? caller.account : null)
