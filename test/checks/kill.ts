import { openPair, playCalm, playKilled } from './kill/pair.ts'
import { VICTIMS, type Victim } from './kill/plan.ts'

/** With this number of seeds or more, every part must have been killed. */
const MIN_SEEDS_FOR_COVERAGE = 20

/**
 * `npm run check -- kill [--seeds N] [--seed S] [--json]`: two whole systems live through the same random epochs of calls, deposits, redemptions, settlements and
 * claims; in one of them, worker, indexer, API, PostgreSQL and anvil are killed at random moments. After each epoch both must have the same
 * reward roots and the same books. Epochs build on each other, so the check ends with the first seed that fails.
 * @returns whether every seed passed.
 */
export async function checkKill(seeds: number, from: number, json = false): Promise<boolean> {
  const began = performance.now()
  const since = () => ((performance.now() - began) / 1000).toFixed(1)
  const print = json ? () => {} : (line: string) => console.log(`${since().padStart(7)} s ${line}`)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)))
  const kills = Object.fromEntries(VICTIMS.map((victim) => [victim, 0])) as Record<Victim, number>
  const failed: number[] = []
  let played = 0
  const pair = await openPair(stop.signal)
  print('two systems serve the same model')
  try {
    let calm = playCalm(pair, from, 1)
    for (let seed = from; seed < from + seeds && !failed.length && !stop.signal.aborted; seed++) {
      const expected = await calm
      played++
      // The calm system is one epoch ahead.
      calm = seed + 1 < from + seeds ? playCalm(pair, seed + 1, played + 1) : calm
      calm.catch(() => {})
      const { killed, found, ms } = await playKilled(pair, expected)
      for (const victim of killed) kills[victim]++
      const times = `${(expected.ms / 1000).toFixed(1)} s calm, ${(ms / 1000).toFixed(1)} s with kills`
      print(`seed ${seed} ${found.length ? 'FAILED' : 'passed'}: ${times}: ${killed.join(', ')}`)
      if (!found.length) continue
      failed.push(seed)
      console.log(
        `  Try it alone with: npm run check -- kill --seeds 1 --seed ${seed}. The files are in ${pair.killed.home}.`,
      )
      for (const line of found.slice(0, 20)) console.log(`  ${line}`)
    }
    await calm.catch((error: Error) => {
      if (!failed.length) throw error
    })
  } finally {
    await pair.close(failed.length > 0)
  }
  const never = VICTIMS.filter((victim) => kills[victim] === 0)
  const ok = failed.length === 0 && played === seeds && (seeds < MIN_SEEDS_FOR_COVERAGE || never.length === 0)
  console.log(
    JSON.stringify({ check: 'kill', ok, seeds, from, played, failed, kills, seconds: Math.round(Number(since())) }),
  )
  return ok
}
