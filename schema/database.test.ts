import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { freshDatabaseUrl } from '#test/database.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import { openDatabase } from './database.ts'
import { isRetriable } from './errors.ts'

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

test('a statement whose answer is lost fails after a time of our own, and the next one has another connection', async () => {
  const url = await freshDatabaseUrl()
  const proxy = await FaultProxy.open(url)
  onTestFinished(() => proxy.close())
  const db = await openDatabase(proxy.url(url), { answerTimeoutMs: 300, max: 2 })
  onTestFinished(() => db.close())
  await Promise.all([db.query('select pg_sleep(0.1)'), db.query('select pg_sleep(0.1)')]) // on two connections
  await proxy.set({ mode: 'blackHole' })
  const works = [db.query('select 1'), db.transaction((sql) => sql.query('select 1'))]
  for (const end of await Promise.allSettled(works)) {
    expect(end).toMatchObject({ status: 'rejected', reason: { message: 'Query read timeout' } })
    expect(isRetriable((end as PromiseRejectedResult).reason)).toBe(true)
  }
  await proxy.set({ mode: 'pass' })
  expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a host that vanishes without a word loses its locks within 30 seconds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-vanishing-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  if (!mayDropPackets()) {
    // Without permission for a firewall of its own, the settings above are all that can be seen.
    console.warn('skipped the firewall: it needs root, iptables and network namespaces')
    return
  }
  const fixture = join(import.meta.dirname, 'test/vanishingHost.ts')
  const command = 'ip link set lo up && exec "$0" --import tsx "$1" "$2"'
  const { stdout } = await promisify(execFile)('unshare', [
    '-n',
    'sh',
    '-c',
    command,
    process.execPath,
    fixture,
    folder,
  ])
  const freed = JSON.parse(stdout) as Record<'signer' | 'indexer', number>
  for (const lock of ['signer', 'indexer'] as const) {
    expect(freed[lock]).toBeGreaterThan(1_000) // it was held
    expect(freed[lock]).toBeLessThan(30_000)
  }
})

function mayDropPackets(): boolean {
  try {
    execFileSync('unshare', ['-n', 'iptables', '-A', 'OUTPUT', '-p', 'tcp', '--sport', '9', '-j', 'DROP'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}
