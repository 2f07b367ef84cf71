import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { tryIndexerLock } from '#schema/advisoryLocks.ts'
import type { Database } from '#schema/database.ts'

const RETRY_MS = 250

/** Ensures one indexer per chain and database: an advisory lock on a connection of its own, which PostgreSQL releases when the
 *  process dies. */
export class ChainLock {
  private client: PoolClient | undefined

  constructor(
    private readonly db: Database,
    private readonly chainId: number,
  ) {}

  /** Waits until this process holds the lock; calls `waiting` whenever another session holds it.
   *  @returns whether the lock was newly taken, then everything in memory may be stale. */
  async hold(signal: AbortSignal, waiting: () => Promise<void>): Promise<boolean> {
    if (this.client) return false
    for (;;) {
      signal.throwIfAborted()
      if (await this.take()) return true
      await waiting()
      await sleep(RETRY_MS, undefined, { signal })
    }
  }

  async release() {
    const client = this.client
    this.client = undefined
    client?.release(true) // closing the connection releases the lock
  }

  private async take(): Promise<boolean> {
    const client = await this.db.pool.connect()
    const lost = () => {
      if (this.client === client) {
        this.client = undefined
        client.release(true)
      }
    }
    client.on('error', lost)
    try {
      const taken = await tryIndexerLock(client, this.chainId)
      if (taken) this.client = client
      else {
        client.off('error', lost)
        client.release()
      }
      return taken
    } catch (error) {
      client.off('error', lost)
      client.release(true)
      throw error
    }
  }
}
