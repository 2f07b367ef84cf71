import { type FollowedDeployment, startIndexer } from '#indexer/index.ts'
import { openDatabase } from '#schema/database.ts'

/** Our indexer in a process of its own: tells when it has caught up with the head, then with every block that it is told, and its
 *  memory on the way. */
const { rpcUrl, databaseUrl, deployment } = JSON.parse(process.argv[2]!) as {
  rpcUrl: string
  databaseUrl: string
  deployment: FollowedDeployment
}
const db = await openDatabase(databaseUrl)
const stop = new AbortController()
const indexer = await startIndexer({ db, rpcUrl, deployment, signal: stop.signal })
const now = () => performance.timeOrigin + performance.now()
const watch = setInterval(() => process.send!({ rss: process.memoryUsage.rss(), block: indexer.status().block }), 250)
process.on('message', async ({ until }: { until: number }) => {
  await indexer.caughtUp(until)
  process.send!({ caught: now() })
})
process.once('disconnect', async () => {
  clearInterval(watch)
  stop.abort()
  await indexer.stopped
  await db.close()
})
await indexer.caughtUp()
process.send!({ done: now() })
