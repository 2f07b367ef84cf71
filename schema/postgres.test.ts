import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DatabaseError, openDatabase } from './database.ts'
import { startPostgres } from './postgres.ts'

test('a server survives its parent, is adopted with its rows, and comes back at its address after kill -9', async () => {
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

test('a wrong DATABASE_URL is an error that names the variable and hides the password', async () => {
  const failure = await openDatabase('postgresql://me:secret@127.0.0.1:1/none').catch((error) => error)
  expect(failure).toBeInstanceOf(DatabaseError)
  expect(failure.message).toMatch(/DATABASE_URL.*127\.0\.0\.1:1/)
  expect(failure.message).not.toContain('secret')
})
