import type { ActWay } from './flow.ts'
import type { ActInputs, ActName } from './inputs.ts'

/** The acts that were begun in this browser and have not ended: after a reload they can be continued. The client's own state knows how far they came. */

export interface UnfinishedAct {
  name: ActName
  input: ActInputs[ActName]
  way?: ActWay
}

const keyOf = (account: string) => `modelcommons/unfinished/${account.toLowerCase()}`
const isSame = (a: UnfinishedAct, b: UnfinishedAct) => JSON.stringify(a) === JSON.stringify(b)

export function unfinishedActs(account: string): UnfinishedAct[] {
  try {
    return JSON.parse(localStorage.getItem(keyOf(account)) ?? '[]')
  } catch {
    return []
  }
}

export function rememberUnfinished(account: string, act: UnfinishedAct): void {
  const others = unfinishedActs(account).filter((one) => !isSame(one, act))
  localStorage.setItem(keyOf(account), JSON.stringify([...others, act]))
}

export function forgetUnfinished(account: string, act: UnfinishedAct): void {
  const others = unfinishedActs(account).filter((one) => !isSame(one, act))
  if (others.length > 0) localStorage.setItem(keyOf(account), JSON.stringify(others))
  else localStorage.removeItem(keyOf(account))
}
