import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { contribute } from '#client/index.ts'
import { drawItems } from '#example/skill/items.ts'
import { formatTriage } from '#example/skill/triage.ts'
import type { StoryContext } from '#example/story/context.ts'
import type { Database } from '#schema/database.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import type { StewardedSystem } from './stewards.ts'

/** An hour of simulated time, in which people only give samples. */

const TICKS = 12
const TICK_SECONDS = 300
const SAMPLES_EACH = 2
/** A step this near to its time may begin before or after it: time passes on the wall, too. */
const NEAR_SECONDS = 60
const POLL_MS = 100
const SETTLE_MS = 120_000

interface ToldStep {
  id: string
  name: string
  waitsFor: string
  dueAt: string | null
}

/** What `modelcommons steward --explain` prints. */
async function explain({ env }: Pick<StewardedSystem, 'env'>, modelId: string): Promise<ToldStep[]> {
  const bin = new URL('../../../bin/modelcommons.js', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, [bin, 'steward', '--explain', '--json'], { env })
  const { models } = JSON.parse(stdout) as { models: { id: string; next: ToldStep[] }[] }
  return models.find(({ id }) => id === modelId)?.next ?? []
}

/** @returns what the stewards did otherwise than they had told. */
export async function liveAnHour(
  { as, clock, seed }: StoryContext,
  stewarded: StewardedSystem,
  { modelId, datanetId }: { modelId: string; datanetId: bigint } = { modelId: '1', datanetId: 1n },
): Promise<string[]> {
  const { node } = as('challenger')
  const wrong: string[] = []
  let compared = 0
  const messages = drawItems(`${seed}/hour`, 'samples', TICKS * SAMPLES_EACH)
  for (let tick = 0; tick < TICKS; tick++) {
    const samples = messages.slice(tick * SAMPLES_EACH, (tick + 1) * SAMPLES_EACH).map(({ prompt, truth }) => ({
      prompt,
      completion: formatTriage({ ...truth, reply: `We look at it. Note ${tick}.` }),
    }))
    await contribute(as('contributor', tick), { datanetId, samples })
    await untilQuiet(stewarded.db, modelId, await node.getBlockNumber({ cacheTime: 0 }))
    const told = await explain(stewarded, modelId)
    await clock.pass(TICK_SECONDS)
    await untilQuiet(stewarded.db, modelId, await node.getBlockNumber({ cacheTime: 0 }))
    const now = Number((await node.getBlock()).timestamp)
    const { rows } = await stewarded.db.query<{ id: string }>(
      'select id from steward_step where model_id = $1 and job_id is not null',
      [modelId],
    )
    const asked = new Set(rows.map(({ id }) => id))
    for (const { id, dueAt } of told) {
      if (dueAt === null) continue // it waits for people or for other steps
      const after = Date.parse(dueAt) / 1000 - now
      if (Math.abs(after) < NEAR_SECONDS) continue
      compared++
      if (after < 0 !== asked.has(id))
        wrong.push(`tick ${tick}: ${id} was told for ${dueAt}, and was ${asked.has(id) ? '' : 'not '}asked for`)
    }
  }
  if (compared < TICKS / 2) wrong.push(`only ${compared} steps were told with their time`)
  return wrong
}

/** Waits until the stewards have looked at `block`, and no job of the model runs that they asked for. */
async function untilQuiet(db: Database, modelId: string, block: bigint): Promise<void> {
  const isQuiet = async () => {
    const { rows } = await db.query<{ quiet: boolean }>(
      `select s.block >= $2::bigint and s.decided_at > c.updated_at and not exists (
         select 1 from steward_step t join job_run j on j.id = t.job_id where t.model_id = $1 and j.${IS_LIVE}) as quiet
       from stewardship s, cursor c where s.id = $1`,
      [modelId, String(block)],
    )
    return rows[0]?.quiet ?? false
  }
  const deadline = Date.now() + SETTLE_MS
  for (let calm = 0; calm < 5; await sleep(POLL_MS)) {
    if (Date.now() > deadline) throw new Error('The stewards do not come to rest.')
    calm = (await isQuiet()) ? calm + 1 : 0
  }
}
