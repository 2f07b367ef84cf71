import { setTimeout as sleep } from 'node:timers/promises'
import { difference } from '#indexer/test/compare.ts'
import { type Figure, figure } from '../report.ts'
import { FINALITY, type RequestCounts } from './chain.ts'
import { type IndexingEnvironment, rootOf, startBenchChain, startOurs } from './environment.ts'

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

const SYNC = { blocks: 3_000, events: 20, foreign: 0, kind: 'votes' } as const
const FORKS = 8
const BETWEEN_FORKS_MS = 250

/** A sync of 60,000 votes during which the last 64 blocks are replaced again and again, by one more each time. Its state root must be that of a
 *  sync of the same chain without reorganisations; the times of both. */
export async function reorganisedSync(environment: IndexingEnvironment): Promise<Record<string, Figure>> {
  const chain = await startBenchChain(SYNC)
  const head = SYNC.blocks + FORKS
  const sync = async (meanwhile: () => Promise<void>) => {
    const db = await environment.database()
    await chain.call('bench_reset')
    const program = startOurs(chain.url, db.url)
    try {
      while (((await chain.call('bench_tally')) as RequestCounts).first === null) await sleep(5)
      await meanwhile()
      program.child.send({ until: head })
      const { caught } = await program.waitForMessage<{ caught?: number }>((message) => message.caught !== undefined)
      const { first } = (await chain.call('bench_tally')) as RequestCounts
      return { root: await rootOf(db), ms: Number(caught) - Number(first) }
    } finally {
      await program.stop()
      await db.close()
    }
  }
  try {
    const disturbed = await sync(async () => {
      for (let fork = 0; fork < FORKS; fork++) {
        await sleep(BETWEEN_FORKS_MS)
        await chain.call('bench_fork', FINALITY)
      }
    })
    const clean = await sync(async () => {})
    if (disturbed.root !== clean.root)
      throw new Error(`The state root is ${disturbed.root} after reorganisations, but ${clean.root} without`)
    console.log(
      `sync of 60,000 votes: ${Math.round(disturbed.ms)} ms with ${FORKS} reorganisations, ${Math.round(clean.ms)} ms without; one state root`,
    )
    return {
      [`sync of 60,000 votes with ${FORKS} reorganisations of ${FINALITY} blocks`]: figure([disturbed.ms], 'ms'),
      'sync of the same chain without': figure([clean.ms], 'ms'),
    }
  } finally {
    await chain.stop()
  }
}
