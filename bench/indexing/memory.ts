import { type Figure, figure } from '../report.ts'
import { type IndexingEnvironment, startBenchChain, startOurs } from './environment.ts'

const PLAN = { blocks: 15_000, events: 20, foreign: 0, kind: 'votes' } as const
const PARTS = 5

/** Resident memory of our indexer during a sync of 300,000 votes, in five parts; it is constant when the last part is like the second. */
export async function memory(environment: IndexingEnvironment): Promise<Record<string, Figure>> {
  const chain = await startBenchChain(PLAN)
  const db = await environment.database()
  const program = startOurs(chain.url, db.url)
  const seen: { block: number; rss: number }[] = []
  program.child.on('message', (message: { block: number; rss?: number }) => {
    if (message.rss) seen.push({ block: message.block, rss: message.rss })
  })
  try {
    await program.waitForMessage<{ done?: number }>(({ done }) => done !== undefined)
  } finally {
    await program.stop()
    await db.close()
    await chain.stop()
  }
  const found: Record<string, Figure> = {}
  for (let part = 0; part < PARTS; part++) {
    const within = seen.filter(({ block }) => Math.min(PARTS - 1, Math.floor((block * PARTS) / PLAN.blocks)) === part)
    if (!within.length) continue
    const name = `memory, events ${(PLAN.blocks * PLAN.events * part) / PARTS} to ${(PLAN.blocks * PLAN.events * (part + 1)) / PARTS}`
    found[name] = figure(
      within.map(({ rss }) => rss / 2 ** 20),
      'MiB',
    )
    console.log(`${name}: ${found[name].median} MiB (${found[name].min} to ${found[name].max})`)
  }
  return found
}
