import { type Indexer, type IndexerOptions, startIndexer } from '#indexer/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { type Bug, plantBug, withBug } from './bugs.ts'

/** The process that runs the simulated indexers, one at a time. It receives its commands as messages, and may be killed at any time. */

export type HostCommand =
  | { do: 'begin'; run: number; databaseUrl: string; options: Omit<IndexerOptions, 'db' | 'signal'>; bug?: Bug }
  | { do: 'end'; run: number }
  | { do: 'abandon'; run: number }

export type HostReport = { say: 'ready' } | { say: 'ended'; run: number; error?: string; failures: number }

interface Run {
  number: number
  stop: AbortController
  db?: Database
  indexer?: Indexer
}

let run: Run | undefined

const tell = (report: HostReport) => process.send?.(report)

async function begin({ run: number, databaseUrl, options, bug }: Extract<HostCommand, { do: 'begin' }>) {
  const mine: Run = { number, stop: new AbortController() }
  run = mine
  const { signal } = mine.stop
  plantBug(bug)
  let error: string | undefined
  try {
    mine.db = await openDatabase(databaseUrl, { name: 'indexer-under-test', max: 4 })
    if (signal.aborted) return
    mine.indexer = await startIndexer({ ...options, db: withBug(mine.db, bug), signal })
    await mine.indexer.stopped
  } catch (cause) {
    if (!signal.aborted) error = `${(cause as Error).name}: ${(cause as Error).message}`
  } finally {
    const failures = mine.indexer?.status().counters.failures ?? 0
    mine.db?.close().catch(() => {})
    if (run === mine) run = undefined
    tell({ say: 'ended', run: number, error, failures })
  }
}

process.on('message', (command: HostCommand) => {
  if (command.do === 'begin') void begin(command)
  else if (run?.number === command.run) run.stop.abort()
})
process.on('disconnect', () => process.exit())
tell({ say: 'ready' })
