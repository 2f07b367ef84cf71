import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { DatabaseError, openDatabase } from './database.ts'
import { startPostgres } from './postgres.ts'

test('a server survives its parent, is adopted with its rows, and restarts at its address after kill -9', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-pg-'))
  const first = await startPostgres(folder)
  try {
    let db = await openDatabase(first.url)
    await db.query('create table kept as select 42 as answer')
    await db.close()

    const second = await startPostgres(folder)
    expect(second.adopted).toBe(true)
    expect(second.url).toBe(first.url)
    expect(await second.revive()).toBe(false)

    const pid = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
    process.kill(pid, 'SIGKILL')
    while (!(await second.revive()));
    db = await openDatabase(second.url)
    expect((await db.query('select answer from kept')).rows).toEqual([{ answer: 42 }])
    await db.close()
  } finally {
    await first.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

test('a first start that is killed while it creates its files is repeated from the beginning', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-pg-'))
  const script = `import { startPostgres } from '#schema/postgres.ts'; await startPostgres(${JSON.stringify(folder)})`
  const options = { cwd: join(import.meta.dirname, '..'), detached: true, stdio: 'ignore' } as const
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], options)
  const created = join(folder, 'data.part', 'base')
  await vi.waitFor(() => expect(existsSync(created)).toBe(true), { timeout: 30_000, interval: 5 })
  process.kill(-(child.pid as number), 'SIGKILL') // initdb as well
  const server = await startPostgres(folder)
  try {
    const db = await openDatabase(server.url)
    expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await db.close()
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

test('without its password, or where its files cannot be told, a database is kept, and the start says what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-pg-'))
  const [password, away] = [join(folder, 'password'), join(folder, 'elsewhere')]
  const first = await startPostgres(folder)
  try {
    const db = await openDatabase(first.url)
    await db.query('create table kept as select 7 as seven')
    await db.close()
    await first.stop()
    await rename(password, away)
    await expect(startPostgres(folder)).rejects.toThrow(/password.*Put the file back/)
    await mkdir(password) // cannot be read, for another reason
    await expect(startPostgres(folder)).rejects.toThrow(/password.*Put the file back/)
    await rmdir(password)
    await rename(away, password)
    const again = await startPostgres(folder)
    const kept = await openDatabase(again.url)
    expect((await kept.query('select seven from kept')).rows).toEqual([{ seven: 7 }])
    await kept.close()
    await again.stop()

    // As when its disk is not mounted: another database is made, with the password of the one that is away.
    await rename(join(folder, 'data'), join(folder, 'away'))
    await (await startPostgres(folder)).stop()
    await rm(join(folder, 'data'), { recursive: true })
    await rename(join(folder, 'away'), join(folder, 'data'))
    const back = await startPostgres(folder)
    const found = await openDatabase(back.url)
    expect((await found.query('select seven from kept')).rows).toEqual([{ seven: 7 }])
    await found.close()
    await back.stop()
  } finally {
    await first.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

/** How long a listener waits before it connects again (schema/database.ts). */
const RECONNECT_MS = 500

/** Listens in place of a server that is down and refuses `count` connections. @returns the time of each connection, in milliseconds. */
async function refusedConnections(port: number, count: number): Promise<number[]> {
  const times: number[] = []
  const server = createServer()
  await vi.waitFor(async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening') // rejects while the port is not free yet
  })
  while (times.length < count) {
    const [socket] = (await once(server, 'connection')) as [Socket]
    times.push(performance.now())
    socket.destroy()
  }
  server.close()
  await once(server, 'close')
  return times
}

test('a listener receives notifications again after kill -9, over one connection, however long the server was down', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-pg-'))
  const server = await startPostgres(folder)
  const db = await openDatabase(server.url)
  try {
    const received: string[] = []
    let returns = 0
    const stop = await db.listen(
      'news',
      (payload) => received.push(payload),
      () => returns++,
    )
    const pid = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
    process.kill(pid, 'SIGKILL')
    const attempts = await refusedConnections(Number(new URL(server.url).port), 5)
    for (const [index, at] of attempts.entries()) // two timers would connect twice in one period
      if (index > 0) expect(at - (attempts[index - 1] ?? 0)).toBeGreaterThan(RECONNECT_MS / 2)
    await server.revive()
    await vi.waitFor(async () => {
      await db.query(`select pg_notify('news', 'back')`)
      expect(received).toContain('back')
    })
    await db.query(`select pg_notify('news', 'once')`)
    await db.query(`select pg_notify('news', 'last')`)
    await vi.waitFor(() => expect(received).toContain('last'))
    expect(received.filter((payload) => payload === 'once')).toHaveLength(1)
    const { rows } = await db.query(
      `select count(*) as listening from pg_stat_activity where query like 'listen %' and datname = current_database()`,
    )
    expect(rows[0].listening).toBe(1)
    expect(returns).toBe(1)
    await stop()
  } finally {
    await db.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

test('a wrong DATABASE_URL is an error that names the variable and hides the password', async () => {
  const failure = await openDatabase('postgresql://me:secret@127.0.0.1:1/none').catch((error) => error)
  expect(failure).toBeInstanceOf(DatabaseError)
  expect(failure.message).toMatch(/DATABASE_URL.*127\.0\.0\.1:1/)
  expect(failure.message).not.toContain('secret')
})
