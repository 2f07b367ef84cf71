import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import type { Database } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { type Indexer, type IndexerOptions, startIndexer } from '../index.ts'
import type { TestChain } from './chain.ts'
import { difference } from './compare.ts'

export interface Followed extends Indexer {
  stop(): Promise<void>
}

/** An indexer of a test's chain, stopped at the end of the test at the latest. */
export async function follow(chain: TestChain, db: Database, options: Partial<IndexerOptions> = {}): Promise<Followed> {
  const abort = new AbortController()
  const { url: rpcUrl, deployment } = chain
  const needs = { db, rpcUrl, deployment, signal: abort.signal, confirmations: 5, pollMs: 10 }
  const indexer = await startIndexer({ ...needs, patience: { delayMs: 5 }, ...options })
  indexer.stopped.catch(() => {})
  const stop = async () => {
    abort.abort()
    await indexer.stopped.catch(() => {})
  }
  onTestFinished(stop)
  return { ...indexer, stop }
}

/** Fails unless the rows are exactly those of a new index of the present chain. */
export async function expectClean(chain: TestChain, db: Database, options: Partial<IndexerOptions> = {}) {
  const clean = await freshDatabase()
  const indexer = await follow(chain, clean, options)
  await indexer.caughtUp()
  await indexer.stop()
  expect(await difference(db, clean)).toEqual([])
}

const WITHIN_MS = 120_000

/** Waits until something holds. @throws naming it after two minutes: a busy machine is many times as slow. */
export async function until(what: string, holds: () => boolean | Promise<boolean>) {
  for (const began = performance.now(); performance.now() - began < WITHIN_MS; await sleep(20))
    if (await holds()) return
  throw new Error(`Not within ${WITHIN_MS / 1000} s: ${what}`)
}
