import { bugs } from '../simulator/bugs.ts'
import { Coverage } from '../simulator/coverage.ts'
import { openEnvironment } from '../simulator/environment.ts'
import { KINDS, simulate } from '../simulator/simulate.ts'

/** Two simulations run at the same time: an indexer, its PostgreSQL and this process share two cores. */
const PARALLEL_RUNS = 2
/** With this number of seeds or more, every kind of event must have occurred. */
const MIN_SEEDS_FOR_COVERAGE = 50

/** `npm run check -- simulator --seeds 200 [--seed 1]`: simulates this number of seeds. It prints the seeds whose index differs from a clean
 *  sync, and the events that occurred; it fails when a kind of event never occurred. @returns whether all seeds passed. */
export async function checkSimulator(seeds: number, from: number, bug?: string): Promise<boolean> {
  const planted = bugs.find((name) => name === bug)
  if (bug && !planted) throw new Error(`There is no bug “${bug}”. Choose one of: ${bugs.join('; ')}.`)
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
          console.log(`seed ${seed} failed; repeat it with: npm run check -- simulator --seeds 1 --seed ${seed}`)
          for (const line of outcome.found.slice(0, 5)) console.log(`  ${line}`)
        }
      }),
    )
  } finally {
    await Promise.all(environments.map((environment) => environment.close()))
  }
  const seconds = (performance.now() - began) / 1000
  console.log(`Events: ${coverage}`)
  const missing = seeds >= MIN_SEEDS_FOR_COVERAGE ? coverage.missing(KINDS) : []
  if (missing.length) console.log(`These events never occurred, so they are not tested: ${missing.join(', ')}`)
  console.log(
    `${seeds - failed.length} of ${seeds} seeds ended with the rows of a clean sync, in ${seconds.toFixed(0)} s (${(seconds / seeds).toFixed(2)} s a seed)`,
  )
  const ok = failed.length === 0 && missing.length === 0
  console.log(JSON.stringify({ check: 'simulator', ok, seeds, from, failed, missing, seconds: Math.round(seconds) }))
  return ok
}
