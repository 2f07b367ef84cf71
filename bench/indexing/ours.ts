import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { type FollowedDeployment, startIndexer } from '#indexer/index.ts'
import { openDatabase } from '#schema/database.ts'
import { processArgument, report } from './processes.ts'

/** Our indexer in a child process. It reports when it has reached the head, then when it has reached each block that it is sent, and
 *  its memory in between. With `BENCH_PROFILE=FOLDER`, a profile of its sync to the head stands there, for Chrome's developer tools. */
const { rpcUrl, databaseUrl, deployment } = processArgument<{
  rpcUrl: string
  databaseUrl: string
  deployment: FollowedDeployment
}>()
const endProfile = await startProfile()
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
await endProfile()

async function startProfile(): Promise<() => Promise<void>> {
  const folder = process.env.BENCH_PROFILE
  if (!folder) return async () => {}
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  return async () => {
    const { profile } = await session.post('Profiler.stop')
    await writeFile(join(folder, `indexer-${process.pid}.cpuprofile`), JSON.stringify(profile))
    report({ profiled: true })
  }
}
