import type { Database } from '#schema/database.ts'
import { withLifecycleDatabase } from '../oracles/lifecycles/database.ts'
import { openLifecycleIndex } from '../oracles/lifecycles/index.ts'
import { pageEntriesOf, playLifecycle, USUAL_SIZE } from '../oracles/lifecycles/play.ts'
import { pythonVerdicts } from '../oracles/lifecycles/python.ts'
import { differencesFrom, type OtherVerdict } from '../oracles/lifecycles/verdicts.ts'

const PROGRESS_EVERY_MS = 10_000
const SHOWN_CHARACTERS = 600

/** `npm run check -- lifecycles [--seeds N] [--seed S]`: plays random lifecycles and computes every published reward map twice, by our code over an index
 *  and by the verifier in Python over the logs. The ledger must be what the chain says, as of every block. @returns whether all of it agrees. */
export async function checkLifecycles(seeds: number, from: number, json = false): Promise<boolean> {
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 1000)
  const failed: number[] = []
  const verdicts = { right: 0, wrong: 0, unknown: 0 }
  await withLifecycleDatabase(async (db) => {
    for (let seed = from, shown = began; seed < from + seeds; seed++) {
      const { maps, differences } = await compared(seed, db)
      for (const { map, difference } of maps) verdicts[!map ? 'unknown' : difference ? 'wrong' : 'right']++
      if (differences.length) {
        failed.push(seed)
        console.log(`seed ${seed} differs; repeat it with: npm run check -- lifecycles --seeds 1 --seed ${seed}`)
        for (const line of differences.slice(0, 5)) console.log(`  ${line.slice(0, SHOWN_CHARACTERS)}`)
      }
      if (performance.now() - shown < PROGRESS_EVERY_MS) continue
      shown = performance.now()
      console.log(`${seed - from + 1} of ${seeds} lifecycles in ${seconds()} s`)
    }
  })
  const { right, wrong, unknown } = verdicts
  console.log(
    `${seeds - failed.length} of ${seeds} lifecycles are the same for both verifiers, with a ledger as the chain says: ${right} maps right, ${wrong} wrong, ${unknown} impossible to check, in ${seconds()} s`,
  )
  const ok = failed.length === 0
  if (json)
    console.log(JSON.stringify({ check: 'lifecycles', ok, seeds, from, failed, ...verdicts, seconds: seconds() }))
  return ok
}

async function compared(seed: number, db: Database): Promise<{ maps: OtherVerdict[]; differences: string[] }> {
  const index = await openLifecycleIndex(db, pageEntriesOf(seed))
  try {
    const lifecycle = await playLifecycle(seed, USUAL_SIZE, index)
    const maps = await pythonVerdicts(lifecycle, index.folder)
    const differences = [...index.faults]
    for (const verdict of maps) differences.push(...(await differencesFrom(verdict, index.sources)))
    return { maps, differences }
  } finally {
    await index.close()
  }
}
