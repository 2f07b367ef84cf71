import { type FollowedDeployment, startIndexer } from '#indexer/index.ts'
import { openDatabase } from '#schema/database.ts'
import { processArgument, report } from './processes.ts'

/** Our indexer in a child process. It reports when it has reached the head, then when it has reached each block that it is sent, and
 *  its memory in between. */
const { rpcUrl, databaseUrl, deployment } = processArgument<{
  rpcUrl: string
  databaseUrl: string
  deployment: FollowedDeployment
}>()
const db = await openDatabase(databaseUrl)
const stop = new AbortController()
const indexer = await startIndexer({ db, rpcUrl, deployment, signal: stop.signal })
const now = () => performance.timeOrigin + performance.now()
const watch = setInterval(() => report({ rss: process.memoryUsage.rss(), block: indexer.status().block }), 250)
process.on('message', async ({ until }: { until: number }) => {
  await indexer.caughtUp(until)
  report({ caught: now() })
})
process.once('disconnect', async () => {
  clearInterval(watch)
  stop.abort()
  await indexer.stopped
  await db.close()
})
await indexer.caughtUp()
report({ done: now() })
