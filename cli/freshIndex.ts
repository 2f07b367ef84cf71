import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type IndexerOptions, startIndexer } from '#indexer/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { interruptible } from './interruption.ts'

export type FreshIndexOptions = Pick<IndexerOptions, 'rpcUrl' | 'confirmations' | 'finality' | 'deployment'>

/** Indexes a chain up to `block` (without it: up to its head now) into a new embedded database, runs `work` on that database, and
 *  deletes it. @throws the reason of the stop when the indexer ends before. */
export const withFreshIndex = <T>(
  options: FreshIndexOptions,
  block: number | undefined,
  work: (db: Database) => Promise<T>,
): Promise<T> => interruptible((signal) => onFreshIndex(options, block, work, signal))

/** Rejects when `stopped` does, and never resolves: an index that stopped would look like a chain on which nothing happens. */
const failureOf = (stopped: Promise<unknown>) => new Promise<never>((_, reject) => stopped.catch(reject))

async function onFreshIndex<T>(
  options: FreshIndexOptions,
  block: number | undefined,
  work: (db: Database) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-verify-'))
  const server = await startPostgres(folder, { flags: { fsync: 'off' } })
  const abort = new AbortController()
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    try {
      const indexer = await startIndexer({ ...options, db, signal: abort.signal, atStart: 'fail' })
      try {
        await untilAborted(indexer.caughtUp(block), signal)
        return await untilAborted(Promise.race([work(db), failureOf(indexer.stopped)]), signal)
      } finally {
        abort.abort()
        await indexer.stopped.catch(() => {})
      }
    } finally {
      await db.close()
    }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
