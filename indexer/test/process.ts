import { openDatabase } from '#schema/database.ts'
import { must } from '#test/must.ts'
import { startIndexer } from '../index.ts'

/** An indexer in a process of its own, for tests that kill it. The argument is JSON. */
const { databaseUrl, rpcUrl, deployment, confirmations, patience } = JSON.parse(must(process.argv[2]))
const db = await openDatabase(databaseUrl, { name: 'indexer-under-test' })
const indexer = await startIndexer({ db, rpcUrl, deployment, confirmations, patience, pollMs: 10 })
await indexer.stopped
