import { difference } from '#indexer/test/compare.ts'
import { type Figure, figure } from '../report.ts'
import { FINALITY } from './chain.ts'
import { openChain, type Stage, startOurs } from './environment.ts'

const ROUNDS = 5
const PLAN = { blocks: 400, events: 20, foreign: 0, kind: 'votes' } as const

/** From the chain's turning to another fork, 64 blocks back, to all rows being those of the new one; then they are compared with a
 *  clean sync. Every block of both forks is full. */
export async function reorganisations(stage: Stage): Promise<Record<string, Figure>> {
  const chain = await openChain(PLAN)
  const [db, clean] = [await stage.database(), await stage.database()]
  const program = startOurs(chain.url, db.url)
  const times: number[] = []
  try {
    await program.heard<{ done?: number }>(({ done }) => done !== undefined)
    for (let round = 1; round <= ROUNDS; round++) {
      const turned = performance.timeOrigin + performance.now()
      await chain.call('bench_fork', FINALITY)
      program.child.send({ until: PLAN.blocks + round })
      const { caught } = await program.heard<{ caught?: number }>(({ caught }) => caught !== undefined)
      times.push(caught! - turned)
    }
    const other = startOurs(chain.url, clean.url)
    await other.heard<{ done?: number }>(({ done }) => done !== undefined)
    await other.stop()
    const different = await difference(db, clean)
    if (different.length) throw new Error(`${different.length} rows differ from a clean sync: ${different[0]}`)
  } finally {
    await program.stop()
    await db.close()
    await clean.close()
    await chain.stop()
  }
  const found = figure(times, 'ms')
  console.log(
    `reorganisation of ${FINALITY} blocks: ${found.median} ms (${found.min} to ${found.max}), rows of a clean sync`,
  )
  return { [`reorganisation of ${FINALITY} blocks`]: found }
}
