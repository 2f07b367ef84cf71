import { randomBytes } from 'node:crypto'
import type { Database, Sql } from '#schema/database.ts'
import { notify } from '#schema/notifications.ts'
import type { ACCESS_SCOPES, ApiKey } from '#schema/offchain/access.ts'
import { hashKey, type SESSION_PREFIX } from '../access.ts'
import { SPENT } from '../commands/spendCap.ts'
import { ApiError } from '../errors.ts'

/** The keys that people make for their own programs. */

const RATES = `requests_per_minute as "requestsPerMinute", tokens_per_minute as "tokensPerMinute"`

/** Of one account, valid at the same time. */
const MAX_KEYS = 50
/** Characters of a key by which its owner knows it again: the first of 256 bits tell nothing of the others. */
const PREFIX_LENGTH = 9

export interface KeyTerms {
  label: string
  /** What it may do beside reading; null: all. */
  scopes: (typeof ACCESS_SCOPES)[number][] | null
  expiresAt: Date | null
  /** All that its calls may cost, in wei. */
  spendCap: bigint | null
  /** What it may have in any 60 seconds: calls, and their tokens. */
  requestsPerMinute?: number | null
  tokensPerMinute?: number | null
}

/** A key as its owner sees it. */
export type OwnKey = KeyTerms & Pick<ApiKey, 'id' | 'prefix' | 'createdAt' | 'revokedAt'> & { spent: bigint }

/** 256 bits. */
export const newSecret = (prefix: 'mc_' | typeof SESSION_PREFIX): string =>
  prefix + randomBytes(32).toString('base64url')

/** Makes a key of an account. It is known here alone, and nowhere stored. @throws ApiError when the account has too many. */
export async function createOwnKey(
  sql: Sql,
  account: string,
  { label, scopes, expiresAt, spendCap, requestsPerMinute = null, tokensPerMinute = null }: KeyTerms,
): Promise<{ id: string; key: string }> {
  const key = newSecret('mc_')
  const { rowCount } = await sql.query(
    `insert into api_key (id, account, role, label, prefix, scopes, expires_at, spend_cap, requests_per_minute, tokens_per_minute, created_at)
     select $1, $2, 'Consumer', $3, $4, $5, $6, $7, $9, $10, now()
     where (select count(*) from api_key where account = $2 and revoked_at is null and (expires_at is null or expires_at > now())) < $8`,
    [
      hashKey(key),
      account,
      label,
      key.slice(0, PREFIX_LENGTH),
      scopes,
      expiresAt,
      spendCap,
      MAX_KEYS,
      requestsPerMinute,
      tokensPerMinute,
    ],
  )
  if (!rowCount)
    throw new ApiError('TOO_MANY_KEYS', `An account has at most ${MAX_KEYS} keys. Revoke one that is not used.`)
  return { id: hashKey(key), key }
}

export async function ownKeys(sql: Sql, account: string): Promise<OwnKey[]> {
  const { rows } = await sql.query<OwnKey>(
    `select id, label, prefix, scopes, expires_at as "expiresAt", spend_cap as "spendCap", ${RATES}, created_at as "createdAt", revoked_at as "revokedAt",
       ${SPENT.replace('$key', 'api_key.id')} as spent
     from api_key where account = $1 order by created_at desc limit 200`,
    [account],
  )
  return rows
}

/** @throws ApiError when the account has no such key that is valid. */
export async function revokeOwnKey(sql: Sql, account: string, id: string): Promise<KeyTerms> {
  const { rows } = await sql.query<KeyTerms>(
    `update api_key set revoked_at = now() where id = $1 and account = $2 and revoked_at is null
     returning label, scopes, expires_at as "expiresAt", spend_cap as "spendCap", ${RATES}`,
    [id, account],
  )
  if (!rows[0]) throw new ApiError('UNKNOWN_KEY', 'You have no such key, or it was revoked already. GET /auth/keys.')
  await notify(sql, { type: 'access', id })
  return rows[0]
}

/** A new key with the terms of another, which ends. What that one has spent counts no more. */
export const rotateOwnKey = (db: Database, account: string, id: string): Promise<{ id: string; key: string }> =>
  db.transaction(async (sql) => createOwnKey(sql, account, await revokeOwnKey(sql, account, id)))
