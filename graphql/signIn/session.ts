import type { Sql } from '#schema/database.ts'
import { notify } from '#schema/notifications.ts'
import { hashKey, SESSION_PREFIX } from '../access.ts'
import { ApiError } from '../errors.ts'
import type { SignIn } from './message.ts'
import { newSecret } from './ownKeys.ts'

/** Opens a session for who has signed a message. Its token is known here alone. @throws ApiError when the message has opened one before. */
export async function openSession(sql: Sql, { account, nonce, expiresAt }: SignIn): Promise<string> {
  const token = newSecret(SESSION_PREFIX)
  // A nonce that is older than an hour is refused for its age.
  await sql.query(`delete from sign_in_session where expires_at < now() and created_at < now() - interval '1 hour'`)
  const { rowCount } = await sql.query(
    `insert into sign_in_session (id, token_hash, account, created_at, expires_at) values ($1, $2, $3, now(), $4) on conflict (id) do nothing`,
    [nonce, hashKey(token), account, expiresAt],
  )
  if (!rowCount) throw new ApiError('BAD_SIGN_IN', 'This message has been used. Ask for a new one at /auth/message.')
  return token
}

/** Ends a session at once; its nonce stays used. */
export async function endSession(sql: Sql, id: string): Promise<void> {
  await sql.query('update sign_in_session set expires_at = now() where id = $1', [id])
  await notify(sql, { type: 'access', id })
}
