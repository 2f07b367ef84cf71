import { bugs } from '../simulator/bugs.ts'
import { Coverage } from '../simulator/coverage.ts'
import { openEnvironment } from '../simulator/environment.ts'
import { KINDS, simulate } from '../simulator/simulate.ts'

/** Two lives at a time: an indexer, its PostgreSQL and this process share two cores. */
const PARALLEL_RUNS = 2
/** From so many lives on, every kind of misfortune must have come up. */
const A_SET = 50

/** `npm run check -- simulator --seeds 200 [--seed 1]`: so many lives of the indexer; prints the seeds that ended otherwise than a
 *  clean sync, what all of them went through, and fails when a kind of misfortune never came up. @returns whether all is well. */
export async function checkSimulator(seeds: number, from: number, bug?: string): Promise<boolean> {
  const planted = bugs.find((name) => name === bug)
  if (bug && !planted) throw new Error(`No bug is called “${bug}”. There are: ${bugs.join('; ')}.`)
  const environments = await Promise.all(Array.from({ length: Math.min(PARALLEL_RUNS, seeds) }, openEnvironment))
  const failed: number[] = []
  const coverage = new Coverage()
  const began = performance.now()
  let next = from
  try {
    await Promise.all(
      environments.map(async (environment) => {
        while (next < from + seeds) {
          const seed = next++
          const outcome = await simulate(seed, environment, planted)
          coverage.add(outcome.coverage)
          if (!outcome.found.length) continue
          failed.push(seed)
          console.log(`seed ${seed} failed; again: npm run check -- simulator --seeds 1 --seed ${seed}`)
          for (const line of outcome.found.slice(0, 5)) console.log(`  ${line}`)
        }
      }),
    )
  } finally {
    await Promise.all(environments.map((environment) => environment.close()))
  }
  const seconds = (performance.now() - began) / 1000
  console.log(`Went through: ${coverage}`)
  const missing = seeds >= A_SET ? coverage.missing(KINDS) : []
  if (missing.length) console.log(`Never happened, so nothing is proved of it: ${missing.join(', ')}`)
  console.log(
    `${seeds - failed.length} of ${seeds} seeds ended with the rows of a clean sync, in ${seconds.toFixed(0)} s (${(seconds / seeds).toFixed(2)} s a seed)`,
  )
  return failed.length === 0 && missing.length === 0
}
