import { createHash, randomBytes } from 'node:crypto'
import { ConfigError, readConfig } from '#config'
import { type Database, databaseTime } from '#schema/database.ts'
import { notify } from '#schema/notifications.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { row, rowsOf, saveRows } from '#schema/rows.ts'
import { withDatabase } from './withDatabase.ts'

const idOf = (key: string) => (/^[0-9a-f]{64}$/.test(key) ? key : createHash('sha256').update(key).digest('hex'))

type NewKey = Pick<ApiKey, 'account' | 'role' | 'label'> &
  Partial<Pick<ApiKey, 'requestsPerMinute' | 'tokensPerMinute'>>

export async function createKey(terms: NewKey): Promise<void> {
  const { account, role, label, requestsPerMinute = null, tokensPerMinute = null } = terms
  const key = `mc_${randomBytes(32).toString('base64url')}`
  await withDatabase(readConfig(process.env, { requireDeployment: false }), async (db: Database) =>
    saveRows(db, [
      row(ApiKey, {
        id: idOf(key),
        account: account.toLowerCase(),
        role,
        label,
        requestsPerMinute,
        tokensPerMinute,
        createdAt: await databaseTime(db),
        revokedAt: null,
      }),
    ]),
  )
  console.log(key)
  console.error('This is the only time the key is shown. Send it as `Authorization: Bearer <key>`.')
}

export async function revokeKey(key: string): Promise<void> {
  const revoked = await withDatabase(readConfig(process.env, { requireDeployment: false }), (db) =>
    db.transaction(async (sql) => {
      await notify(sql, { type: 'access', id: idOf(key) })
      return sql.query('update api_key set revoked_at = now() where id = $1 and revoked_at is null', [idOf(key)])
    }),
  )
  if (!revoked.rowCount)
    throw new ConfigError('There is no such key, or it is revoked already. `modelcommons keys list` shows them.')
  console.log('Revoked.')
}

export async function listKeys(): Promise<void> {
  const keys = await withDatabase(readConfig(process.env, { requireDeployment: false }), (db) =>
    rowsOf(db, ApiKey, 'true', [], { orderBy: 'created_at desc' }),
  )
  for (const key of keys)
    console.log([key.id, key.role, key.account, key.revokedAt ? 'revoked' : 'valid', key.label].join('  '))
  if (keys.length === 0) console.log('There are no keys.')
}
