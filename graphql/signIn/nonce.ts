import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Sql } from '#schema/database.ts'

/** Nonces of messages to sign: made without storing anything, so that strangers can ask for any number of them, and valid for ten minutes. That each is used
 *  once, the session that it opens remembers. */

const LIFETIME_MS = 10 * 60_000
const TIME_DIGITS = 12
const RANDOM_DIGITS = 24
const FORM = /^[0-9a-f]{68}$/

/** Letters and digits, as EIP-4361 wants: when it ends, chance, and a keyed hash of both. */
export function makeNonce(secret: Buffer, now: Date): string {
  const body =
    (now.getTime() + LIFETIME_MS).toString(16).padStart(TIME_DIGITS, '0') +
    randomBytes(RANDOM_DIGITS / 2).toString('hex')
  return body + hashOf(secret, body)
}

/** Whether this server has made a nonce, and it has not expired. */
export function isFreshNonce(secret: Buffer, nonce: string, now: Date): boolean {
  if (!FORM.test(nonce)) return false
  const body = nonce.slice(0, TIME_DIGITS + RANDOM_DIGITS)
  const isOurs = timingSafeEqual(Buffer.from(nonce.slice(body.length)), Buffer.from(hashOf(secret, body)))
  const end = Number.parseInt(body.slice(0, TIME_DIGITS), 16)
  return isOurs && now.getTime() < end && end <= now.getTime() + LIFETIME_MS
}

const hashOf = (secret: Buffer, body: string) => createHmac('sha256', secret).update(body).digest('hex').slice(0, 32)

/** The secret that all APIs of a database share. */
export async function nonceSecret(sql: Sql): Promise<Buffer> {
  await sql.query(
    `insert into sign_in_secret (id, secret) select 'nonce', $1 where not exists (select 1 from sign_in_secret) on conflict do nothing`,
    [randomBytes(32).toString('hex')],
  )
  const { rows } = await sql.query<{ secret: string }>(`select secret from sign_in_secret where id = 'nonce'`)
  return Buffer.from(rows[0]?.secret ?? '', 'hex')
}
