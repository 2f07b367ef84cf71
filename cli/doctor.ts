import { setTimeout as sleep } from 'node:timers/promises'
import type { DoctorCheck } from './chainChecks.ts'
import { NOTHING_FOUND } from './databaseChecks.ts'
import { machineChecks, serviceChecks } from './doctorChecks.ts'
import { readUsableConfig, withRunningServers } from './doctorEnvironment.ts'
import { systemChecks } from './systemChecks.ts'

export interface DoctorOptions {
  /** Checks again and again, until it is interrupted. */
  watch?: boolean
  /** Seconds between two rounds. */
  interval?: number
  /** One JSON object a line and round: `at`, `ok` and `checks`. */
  json?: boolean
}

interface CheckResult {
  name: string
  ok: boolean
  /** What was found, or what to fix. */
  text: string
}

const CHECK_TIMEOUT_MS = 30_000

/** `modelcommons doctor`: checks the machine, every configured service and the alarms. Exits with 1 when something must be fixed; while it
 *  watches, with the result of the last round. */
export async function doctor({ watch = false, interval = 10, json = false }: DoctorOptions = {}): Promise<void> {
  const { config: given, faults, applies } = readUsableConfig(process.env)
  const services = async () => [...(await systemChecks(given)), ...serviceChecks(await withRunningServers(given))]
  const print = json ? printJson : printChanges()
  if (!watch)
    return print(
      await results([...faults, ...[...machineChecks(given), ...(await services())].filter(applies)]),
      new Date(),
    )
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  while (!stop.signal.aborted) {
    print(await results([...faults, ...(await services()).filter(applies)]), new Date())
    await sleep(interval * 1000, undefined, { signal: stop.signal }).catch(() => {})
  }
}

/** Checks run one after the other, because the later ones need the services that the earlier ones look at. */
async function results(checks: readonly DoctorCheck[]): Promise<CheckResult[]> {
  const all: CheckResult[] = []
  for (const [name, run] of checks) {
    const late = sleep(CHECK_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`gave no answer within ${CHECK_TIMEOUT_MS / 1000} s.`)
    })
    const result = await Promise.race([run(), late]).then(
      (text) => (text === undefined ? undefined : { name, ok: true, text }),
      (error: Error) => ({ name, ok: false, text: error.message }),
    )
    if (result) all.push(result)
    late.catch(() => {})
  }
  process.exitCode = all.every(({ ok }) => ok) ? 0 : 1
  return all
}

function printJson(checks: readonly CheckResult[], at: Date): void {
  const shown = checks.filter(({ ok, text }) => !ok || text !== NOTHING_FOUND)
  console.log(JSON.stringify({ at: at.toISOString(), ok: checks.every(({ ok }) => ok), checks: shown }))
}

/** Prints everything in the first round, and then what has changed. */
function printChanges() {
  let before: Map<string, boolean> | undefined
  return (checks: readonly CheckResult[], at: Date): void => {
    const keyOf = ({ name }: CheckResult, index: number) => `${index} ${name}`
    const changed = checks.filter((one, index) => before?.get(keyOf(one, index)) !== one.ok)
    const shown = before ? changed : checks.filter(({ ok, text }) => !ok || text !== NOTHING_FOUND)
    const time = before ? `${at.toISOString()} ` : ''
    for (const { name, ok, text } of shown)
      console.log(`${time}${ok ? '✓' : '✗'} ${name.padEnd(10)} ${text || 'in order'}`)
    const failures = checks.filter(({ ok }) => !ok).length
    if (!before || shown.length)
      console.log(failures ? `${failures} to fix. docs/for-operators.md says how.` : 'Everything is in order.')
    before = new Map([...(before ?? []), ...checks.map((one, index) => [keyOf(one, index), one.ok] as const)])
  }
}
