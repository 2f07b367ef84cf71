import { readdir, readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import {
  ADVISORY_LOCKS,
  lockCredit,
  lockSigner,
  tryIndexerLock,
  tryTransactionLock,
  withMigrationLock,
} from './advisoryLocks.ts'

test('within a key space no two locks have the same key', () => {
  const keys = Object.values(ADVISORY_LOCKS).map(({ kind, key }) => `${kind} ${key}`)
  expect(new Set(keys).size).toBe(keys.length)
})

test('no lock waits for another one, not even those with the same number', async () => {
  const db = await freshDatabase()
  const sender = `0x${'ab'.repeat(20)}`
  const indexer = await db.pool.connect()
  try {
    expect(await tryIndexerLock(indexer, 31337)).toBe(true)
    await db.transaction(async (sql) => {
      await sql.query(`set local lock_timeout = '5s'`)
      expect(await tryTransactionLock(sql, 'sweep')).toBe(true)
      expect(await tryTransactionLock(sql, 'ledger')).toBe(true)
      await lockCredit(sql, sender)
      await lockSigner(sql, sender, 31337)
      const other = await db.pool.connect()
      try {
        await other.query(`set lock_timeout = '5s'`)
        expect(await withMigrationLock(other, async () => 'ran')).toBe('ran')
        expect(await tryIndexerLock(other, 31338)).toBe(true) // another chain
      } finally {
        other.release(true)
      }
    })
  } finally {
    indexer.release(true)
  }
})

test('each lock is held by one session at a time', async () => {
  const db = await freshDatabase()
  const [one, other] = [await db.pool.connect(), await db.pool.connect()]
  try {
    await other.query(`set lock_timeout = '50ms'`)
    expect(await tryIndexerLock(one, 1)).toBe(true)
    expect(await tryIndexerLock(other, 1)).toBe(false)
    await one.query('begin')
    for (const lock of ['sweep', 'ledger', 'texts'] as const) {
      expect(await tryTransactionLock(one, lock)).toBe(true)
      expect(await tryTransactionLock(other, lock)).toBe(false)
    }
    await lockCredit(one, '0xaa')
    await expect(lockCredit(other, '0xaa')).rejects.toMatchObject({ code: '55P03' })
    await lockSigner(one, '0xaa', 1)
    await expect(lockSigner(other, '0xaa', 1)).rejects.toMatchObject({ code: '55P03' })
    await lockSigner(other, '0xaa', 2) // another chain
    const order: string[] = []
    let waiting: Promise<unknown> | undefined
    await withMigrationLock(one, async () => {
      waiting = withMigrationLock(other, async () => order.push('other'))
      await sleep(500)
      const { rows } = await one.query(`select 1 from pg_locks where locktype = 'advisory' and not granted`)
      expect(rows).toEqual([]) // it asks again, and no statement of it waits
      order.push('one')
    })
    await waiting
    expect(order).toEqual(['one', 'other'])
  } finally {
    one.release(true)
    other.release(true)
  }
})

test('advisory locks are taken in one file only', async () => {
  const root = resolve(import.meta.dirname, '..')
  const takers: string[] = []
  for (const folder of ['schema', 'indexer', 'graphql', 'workers', 'cli', 'example'])
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (!entry.isFile() || !/\.[jt]s$/.test(entry.name) || /\.test\.ts$/.test(entry.name)) continue
      if (/pg_(try_)?advisory/.test(await readFile(path, 'utf8'))) takers.push(relative(root, path))
    }
  expect(takers).toEqual(['schema/advisoryLocks.ts'])
})

test('a sweep whose process is frozen or cut off keeps the others waiting for a few seconds only', async () => {
  const db = await freshDatabase()
  const frozen = await db.pool.connect()
  frozen.on('error', () => {}) // PostgreSQL ends its session
  await frozen.query('begin')
  expect(await tryTransactionLock(frozen, 'sweep')).toBe(true)
  const began = performance.now()
  await vi.waitFor(async () => expect(await db.transaction((sql) => tryTransactionLock(sql, 'sweep'))).toBe(true), {
    interval: 250,
  })
  expect(performance.now() - began).toBeLessThan(15_000)
  frozen.release(true)
})
