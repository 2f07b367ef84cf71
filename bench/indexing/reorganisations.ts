import { difference } from '#indexer/test/compare.ts'
import { type Figure, figure } from '../report.ts'
import { FINALITY } from './chain.ts'
import { type IndexingEnvironment, startBenchChain, startOurs } from './environment.ts'

const ROUNDS = 5
const PLAN = { blocks: 400, events: 20, foreign: 0, kind: 'votes' } as const

/** The time from a reorganisation of 64 blocks until all rows are those of the new fork. Then the rows are compared with those of a
 *  clean sync. Every block of both forks is full. */
export async function reorganisations(environment: IndexingEnvironment): Promise<Record<string, Figure>> {
  const chain = await startBenchChain(PLAN)
  const [db, clean] = [await environment.database(), await environment.database()]
  const program = startOurs(chain.url, db.url)
  const times: number[] = []
  try {
    await program.waitForMessage<{ done?: number }>(({ done }) => done !== undefined)
    for (let round = 1; round <= ROUNDS; round++) {
      const begin = performance.timeOrigin + performance.now()
      await chain.call('bench_fork', FINALITY)
      program.child.send({ until: PLAN.blocks + round })
      const { caught } = await program.waitForMessage<{ caught: number }>((message) => message.caught !== undefined)
      times.push(caught - begin)
    }
    const other = startOurs(chain.url, clean.url)
    await other.waitForMessage<{ done?: number }>(({ done }) => done !== undefined)
    await other.stop()
    const different = await difference(db, clean)
    if (different.length) throw new Error(`${different.length} rows differ from those of a clean sync: ${different[0]}`)
  } finally {
    await program.stop()
    await db.close()
    await clean.close()
    await chain.stop()
  }
  const found = figure(times, 'ms')
  console.log(
    `reorganisation of ${FINALITY} blocks: ${found.median} ms (${found.min} to ${found.max}), rows equal those of a clean sync`,
  )
  return { [`reorganisation of ${FINALITY} blocks`]: found }
}
