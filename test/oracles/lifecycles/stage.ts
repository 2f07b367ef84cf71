import type { PrivateKeyAccount } from 'viem/accounts'
import type { Chance } from './chance.ts'
import type { LifecycleEvent } from './events.ts'

/** What the parts of a random lifecycle share. */
export interface LifecycleStage {
  readonly chance: Chance
  readonly people: readonly string[]
  /** Who hosts endpoints, and so signs usage documents. */
  readonly hosts: readonly PrivateKeyAccount[]
  /** The present block. */
  block: number
  /** Adds an event to the present block. Numbers may be of any type. */
  emit(contract: LifecycleEvent['contract'], name: string, args: Record<string, unknown>): void
}

export interface RandomVersion {
  id: string
  model: string
}
