import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandomAt } from '../../simulator/random.ts'
import type { Installation } from './installation.ts'
import { FAULT_KINDS, FAULT_NAMES, type FaultKind, type FaultName } from './kinds.ts'

/** The faults of one run: what begins when, after the run's begin, and how long it lasts. */
export interface PlannedFault {
  name: FaultName
  fromMs: number
  lastsMs: number
}

/** A fault as it happened, in milliseconds after the run's begin. */
export interface InjectedFault {
  name: FaultName
  target: string
  from: number
  to: number
  /** The operator's alarms that it raised. */
  alarms: string[]
}

export const FAULTS_PER_RUN = 4
const FIRST_FAULT_MS = 9_000
const GAP_MS = 12_000

/** The plan of a seed. The kinds are dealt like cards, so that consecutive seeds have every kind equally often. */
export function planOf(seed: number, kinds: readonly FaultName[] = FAULT_NAMES): PlannedFault[] {
  const random = seededRandomAt(seed, 0)
  let fromMs = random(FIRST_FAULT_MS)
  return Array.from({ length: FAULTS_PER_RUN }, (_, place) => {
    const name = dealt(kinds, seed * FAULTS_PER_RUN + place)
    const [least, most] = FAULT_KINDS[name].seconds
    const lastsMs = Math.round(1000 * (least + ((most - least) * random(1000)) / 1000))
    const planned = { name, fromMs, lastsMs }
    fromMs += random(GAP_MS)
    return planned
  })
}

/** The card at `place` of an endless row of shuffled decks. */
function dealt(kinds: readonly FaultName[], place: number): FaultName {
  const random = seededRandomAt(Math.floor(place / kinds.length), 1)
  const deck = [...kinds]
  for (let left = deck.length; left > 1; left--) {
    const other = random(left)
    const [card, last] = [deck[other], deck[left - 1]]
    if (!card || !last) break
    deck[other] = last
    deck[left - 1] = card
  }
  return deck[place % deck.length] as FaultName // the deck is not empty
}

/** Injects the planned faults, each at its time, until all are lifted or `over` is aborted; then it lifts those that act.
 *  @returns the faults that happened, and the kinds that this machine does not permit. */
export async function injectFaults(
  installation: Installation,
  seed: number,
  plan: readonly PlannedFault[],
  over: AbortSignal,
  say: (line: string) => void,
): Promise<{ injected: InjectedFault[]; skipped: FaultName[] }> {
  const began = performance.now()
  const injected: InjectedFault[] = []
  const skipped: FaultName[] = []
  const pause = (ms: number) => sleep(ms, undefined, { signal: over }).catch(() => {})
  const acting = new Set<Promise<void>>()
  let alone: Promise<void> | undefined
  const inject = async ({ name, lastsMs }: PlannedFault, place: number) => {
    const from = performance.now() - began
    const fault = await FAULT_KINDS[name].inject(installation, seededRandomAt(seed, 2, place))
    if (!fault) return void skipped.push(name)
    say(`${name}: ${fault.target}, for ${(lastsMs / 1000).toFixed(0)} s`)
    const record: InjectedFault = { name, target: fault.target, from, to: Number.POSITIVE_INFINITY, alarms: [] }
    injected.push(record)
    await pause(lastsMs)
    await fault.lift()
    record.to = performance.now() - began
    say(`${name}: lifted`)
  }
  await Promise.all(
    plan.map(async (planned, place) => {
      await pause(planned.fromMs)
      const { alone: exclusive }: FaultKind = FAULT_KINDS[planned.name]
      while (alone) await alone
      while (exclusive && acting.size) await Promise.all(acting)
      if (over.aborted) return
      const done = inject(planned, place)
      acting.add(done)
      if (exclusive) alone = done
      await done.finally(() => {
        acting.delete(done)
        if (exclusive) alone = undefined
      })
    }),
  )
  return { injected, skipped }
}
