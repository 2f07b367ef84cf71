import { FAULT_KINDS, FAULT_NAMES, type FaultKind } from './faults/kinds.ts'
import { runWithFaults, undisturbedBooks } from './faults/run.ts'
import { planOf } from './faults/schedule.ts'

/** With this number of seeds or more, every kind of fault that this machine permits must have occurred, and the
 *  operator must have been told of each. */
const MIN_SEEDS_FOR_COVERAGE = 20

/** `npm run check -- faults [--seeds N] [--seed S] [--json] [--only KIND,KIND]`: plays one lifecycle on two of everything, while servers, hosts and connections fail
 *  at random, and compares what is left with an undisturbed run. `--json` prints nothing but the last line. @returns whether every seed passed. */
export async function checkFaults(seeds: number, from: number, json: boolean, only?: string): Promise<boolean> {
  const kinds = only ? FAULT_NAMES.filter((name) => only.split(',').includes(name)) : FAULT_NAMES
  if (!kinds.length) throw new Error(`--only ${only}: no such fault. Choose of: ${FAULT_NAMES.join(', ')}.`)
  const began = performance.now()
  const print = json ? () => {} : console.log
  const since = () => `${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s`
  const say = (who: string) => (line: string) => print(`${since()} ${who}: ${line}`)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)))
  const expected = await undisturbedBooks(say('undisturbed'), stop.signal)
  const failed: number[] = []
  const counts: Record<string, number> = {}
  const alarms: Record<string, string[]> = {}
  const skipped = new Set<string>()
  for (let seed = from; seed < from + seeds && !stop.signal.aborted; seed++) {
    const run = await runWithFaults(seed, planOf(seed, kinds), expected, say(`seed ${seed}`), stop.signal)
    for (const { name, alarms: raised } of run.injected) {
      counts[name] = (counts[name] ?? 0) + 1
      alarms[name] = [...new Set([...(alarms[name] ?? []), ...raised])].sort()
    }
    for (const name of run.skipped) skipped.add(name)
    const faults = run.injected
      .map(({ name, target, alarms: raised }) => `${name} (${target}) → ${raised.join(' ') || 'no alarm'}`)
      .join(', ')
    const exits = run.exits.length ? `; ended by themselves: ${run.exits.join(', ')}` : ''
    print(
      `seed ${seed} ${run.found.length ? 'FAILED' : 'passed'} in ${run.seconds} s, ${run.answered} answers, ${run.repeated} repeated: ${faults}${exits}`,
    )
    if (!run.found.length) continue
    failed.push(seed)
    print(
      `  Repeat it with: npm run check -- faults --seeds 1 --seed ${seed}${only ? ` --only '${only}'` : ''}. The logs are in ${run.folder}.`,
    )
    for (const line of run.found.slice(0, 20)) print(`  ${line}`)
  }
  const silent = kinds.filter((name) => {
    const { alarms: expected }: FaultKind = FAULT_KINDS[name]
    return counts[name] && expected.length && !expected.some((alarm) => alarms[name]?.includes(alarm))
  })
  const never = kinds.filter((name) => !counts[name])
  const covered = seeds < MIN_SEEDS_FOR_COVERAGE || (!silent.length && never.every((name) => skipped.has(name)))
  const ok = failed.length === 0 && covered
  console.log(
    JSON.stringify({
      check: 'faults',
      ok,
      seeds,
      from,
      failed,
      faults: counts,
      alarms,
      silent,
      never,
      skipped: [...skipped],
      seconds: Math.round((performance.now() - began) / 1000),
    }),
  )
  return ok
}
