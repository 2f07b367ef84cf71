import { alarmsOf, watchAlarms } from './alarms.ts'
import type { Books } from './books.ts'
import { ALL_HOSTS, ONE_HOST, openInstallation } from './installation.ts'
import { type LoadSize, playLoad } from './load.ts'
import { judge, settledBooks } from './oracle.ts'
import { type InjectedFault, injectFaults, type PlannedFault } from './schedule.ts'

export interface RunResult {
  seed: number
  /** The invariants that do not hold; empty when the run passed. */
  found: string[]
  injected: InjectedFault[]
  /** Kinds of faults that this machine does not permit. */
  skipped: string[]
  /** Answers of the API, and requests that had to be repeated. */
  answered: number
  repeated: number
  /** Services that ended by themselves. */
  exits: string[]
  seconds: number
  /** The logs of a run that failed. */
  folder: string | undefined
}

/** The load has this time in total, with all faults. */
const LOAD_TIMEOUT_MS = 300_000

/** Plays the load without faults, on one host. @returns its books. `stop` ends it early. */
export async function undisturbedBooks(
  say: (line: string) => void,
  stop: AbortSignal,
  size?: LoadSize,
): Promise<Books> {
  const installation = await openInstallation(ONE_HOST)
  let passed = false
  try {
    await playLoad(installation, AbortSignal.any([stop, AbortSignal.timeout(LOAD_TIMEOUT_MS)]), say, size)
    const books = await settledBooks(installation)
    passed = true
    return books
  } finally {
    await installation.close(!passed)
  }
}

/** Plays the load while the planned faults of `seed` happen, and compares what is left with `expected`. */
export async function runWithFaults(
  seed: number,
  plan: readonly PlannedFault[],
  expected: Books,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<RunResult> {
  const began = performance.now()
  const installation = await openInstallation(ALL_HOSTS)
  const stopFaults = new AbortController()
  const result: RunResult = {
    seed,
    found: [],
    injected: [],
    skipped: [],
    answered: 0,
    repeated: 0,
    exits: [],
    seconds: 0,
    folder: undefined,
  }
  try {
    const stopWatch = new AbortController()
    const watch = watchAlarms(installation.hosts, stopWatch.signal)
    const stopLoad = new AbortController()
    const faults = injectFaults(installation, seed, plan, stopFaults.signal, say)
    faults.catch((error) => stopLoad.abort(error))
    const over = AbortSignal.any([stop, stopLoad.signal, AbortSignal.timeout(LOAD_TIMEOUT_MS)])
    const load = playLoad(installation, over, say).finally(() => stopFaults.abort())
    const [played, injected] = await Promise.allSettled([load, faults])
    if (played.status === 'fulfilled') Object.assign(result, played.value)
    else result.found.push(`the load ended: ${played.reason instanceof Error ? played.reason.message : played.reason}`)
    if (injected.status === 'fulfilled') Object.assign(result, injected.value)
    else result.found.push(`a fault could not be injected: ${(injected.reason as Error).message}`)
    stopWatch.abort()
    const firings = await watch
    for (const fault of result.injected) fault.alarms = alarmsOf(fault, firings)
    if (!result.found.length) result.found.push(...(await judge(installation, expected)))
  } catch (error) {
    result.found.push(`the check itself failed: ${(error as Error).stack}`)
  } finally {
    for (const { name, exits } of installation.hosts.flatMap(({ services }) => services))
      if (exits) result.exits.push(`${name} ${exits}×`)
    result.folder = result.found.length ? installation.folder : undefined
    await installation.close(result.found.length > 0)
  }
  result.seconds = Math.round((performance.now() - began) / 1000)
  return result
}
