import { type Indexer, type IndexerOptions, startIndexer } from '#indexer/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { type Bug, plant, spoil } from './bugs.ts'

/** The process in which simulated indexers live, one at a time. It is told what to do by messages, and may be killed at any time. */

export type Order =
  | { do: 'begin'; life: number; databaseUrl: string; options: Omit<IndexerOptions, 'db' | 'signal'>; bug?: Bug }
  | { do: 'end'; life: number }
  | { do: 'abandon'; life: number }

export type Report = { say: 'ready' } | { say: 'ended'; life: number; error?: string; failures: number }

interface Life {
  number: number
  stop: AbortController
  db?: Database
  indexer?: Indexer
}

let life: Life | undefined

const tell = (report: Report) => process.send?.(report)

async function begin({ life: number, databaseUrl, options, bug }: Extract<Order, { do: 'begin' }>) {
  const mine: Life = { number, stop: new AbortController() }
  life = mine
  const { signal } = mine.stop
  plant(bug)
  let error: string | undefined
  try {
    mine.db = await openDatabase(databaseUrl, { name: 'indexer-under-test', max: 4 })
    if (signal.aborted) return
    mine.indexer = await startIndexer({ ...options, db: spoil(mine.db, bug), signal })
    await mine.indexer.stopped
  } catch (cause) {
    if (!signal.aborted) error = `${(cause as Error).name}: ${(cause as Error).message}`
  } finally {
    const failures = mine.indexer?.status().counters.failures ?? 0
    mine.db?.close().catch(() => {})
    if (life === mine) life = undefined
    tell({ say: 'ended', life: number, error, failures })
  }
}

process.on('message', (order: Order) => {
  if (order.do === 'begin') void begin(order)
  else if (life?.number === order.life) life.stop.abort()
})
process.on('disconnect', () => process.exit())
tell({ say: 'ready' })
