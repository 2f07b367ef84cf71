import { startIndexer } from '#indexer/index.ts'
import { openDatabase } from '#schema/database.ts'
import { ADDRESSES, CHAIN_ID } from './chain.ts'

/** Our indexer in a process of its own: tells when it has caught up with the head, and its memory on the way. */
const { rpcUrl, databaseUrl } = JSON.parse(process.argv[2]!) as { rpcUrl: string; databaseUrl: string }
const db = await openDatabase(databaseUrl)
const deployment = { chainId: CHAIN_ID, startBlock: 1, addresses: ADDRESSES }
const stop = new AbortController()
const indexer = await startIndexer({ db, rpcUrl, deployment, signal: stop.signal })
const watch = setInterval(() => process.send!({ rss: process.memoryUsage.rss(), block: indexer.status().block }), 250)
await indexer.caughtUp()
process.send!({ done: performance.timeOrigin + performance.now(), block: indexer.status().block })
process.once('disconnect', async () => {
  clearInterval(watch)
  stop.abort()
  await indexer.stopped
  await db.close()
})
