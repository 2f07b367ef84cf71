import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { LoadOrder, LoadResult } from '../graphql/load.ts'
import { type Figure, figure } from '../report.ts'
import type { RequestCounts } from './chain.ts'
import { type BenchChain, type IndexingEnvironment, startBenchChain, startOurs } from './environment.ts'
import { startProcess } from './processes.ts'

export const RATE = 300
const SECONDS = 2
const PLAN = { blocks: 3 * Number(process.env.BENCH_BLOCKS ?? 5_000), events: 20, foreign: 0, kind: 'votes' } as const
/** The name of the latency in the report. */
export const WHILE_INDEXING = `GraphQL p99 at ${RATE}/s while indexing`
const VOTES =
  '{ votes(first: 20, orderBy: [{ field: id, direction: desc }]) { nodes { id voter support weight castAt } } }'

/** GraphQL at 300 requests per second over an index while it is made at full speed: the latency, and the votes per second with and without
 *  these requests. Chain, indexer, PostgreSQL, API and load are processes of their own. */
export async function graphqlWhileIndexing(environment: IndexingEnvironment): Promise<Record<string, Figure>> {
  const chain = await startBenchChain(PLAN)
  try {
    const p99s: number[] = []
    const quiet = await sync(environment, chain)
    const loaded = await sync(environment, chain, p99s)
    if (!p99s.length) throw new Error(`The sync ended within ${SECONDS} s: it is too short to measure requests`)
    const votes = `votes, ${(PLAN.blocks * PLAN.events).toLocaleString('en')}`
    const found = {
      [WHILE_INDEXING]: figure(p99s, 'ms'),
      [votes]: figure([quiet], 'events/s'),
      [`${votes}, at ${RATE} GraphQL requests/s`]: figure([loaded], 'events/s'),
    }
    for (const [name, { median, min, max, unit }] of Object.entries(found))
      console.log(`${name}: ${median} ${unit} (${min} to ${max})`)
    return found
  } finally {
    await chain.stop()
  }
}

/** Votes per second of a sync; the 99th percentile of the latency in each two seconds of it goes to `p99s`. */
async function sync(environment: IndexingEnvironment, chain: BenchChain, p99s?: number[]): Promise<number> {
  const db = await environment.database()
  const api = p99s && startProcess(join(import.meta.dirname, 'api.ts'), { databaseUrl: db.url })
  const { url } = (await api?.waitForMessage<{ url: string }>()) ?? { url: '' }
  const load = api && fork(join(import.meta.dirname, '../graphql/load.ts'), { execArgv: ['--import', 'tsx'] })
  const order = (seconds: number) =>
    new Promise<LoadResult>((resolve, reject) => {
      load?.once('message', (told: LoadResult | { error: string }) =>
        'error' in told ? reject(new Error(told.error)) : resolve(told),
      )
      const given: LoadOrder = {
        url: `${url}/graphql`,
        body: JSON.stringify({ query: VOTES }),
        seconds,
        rate: RATE,
        clients: 0,
      }
      load?.send(given)
    })
  if (load) await order(SECONDS) // warm up
  await chain.call('bench_reset')
  const begun = async () => ((await chain.call('bench_tally')) as RequestCounts).first
  const program = startOurs(chain.url, db.url)
  let isDone = false
  try {
    const done = program.waitForMessage<{ done?: number }>((message) => message.done !== undefined)
    const stop = () => {
      isDone = true
    }
    done.then(stop, stop)
    while (load && !isDone) {
      const isRunning = (await begun()) !== null
      const { p99 } = await order(SECONDS)
      if (isRunning && !isDone) p99s?.push(p99)
    }
    const end = Number((await done).done)
    return (PLAN.blocks * PLAN.events * 1000) / (end - Number(await begun()))
  } finally {
    load?.kill()
    await api?.stop()
    await program.stop()
    await db.close()
  }
}
