import { expect, onTestFinished, test } from 'vitest'
import { freshDatabaseUrl } from '#test/database.ts'
import { openDatabase } from './database.ts'

const settings = `select name, setting from pg_settings
  where name in ('tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', 'tcp_user_timeout', 'idle_in_transaction_session_timeout', 'work_mem')`

test('every session asks PostgreSQL to notice a vanished host; options in the URL are kept, and win', async () => {
  const url = new URL(await freshDatabaseUrl())
  url.searchParams.set('options', '-c work_mem=7MB -c tcp_keepalives_idle=9')
  const db = await openDatabase(url.href)
  onTestFinished(() => db.close())
  const { rows } = await db.query<{ name: string; setting: string }>(settings)
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, Number(setting)]))).toEqual({
    tcp_keepalives_idle: 9,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 2,
    tcp_user_timeout: 15_000,
    idle_in_transaction_session_timeout: 300_000,
    work_mem: 7 * 1024,
  })
})
