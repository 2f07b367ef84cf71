import { useSyncExternalStore } from 'react'
import type { ActInputs, ActName } from './inputs.ts'
import type { RelayOffer } from './relayOffer.ts'
import type { ShownStep } from './words.ts'

/** The act that this page is in: one at a time. It goes on when its dialog is closed. */

export type Flow = { name: ActName /** What the form begins with. */; given: Readonly<Record<string, string>> } & (
  | { phase: 'form'; fault?: string }
  | { phase: 'checking' }
  | { phase: 'review'; input: ActInputs[ActName]; plan: ActPlan }
  | { phase: 'running'; input: ActInputs[ActName]; way: ActWay; progress: string; hash?: string; asking?: Asking }
  | { phase: 'done'; said: string; effect?: string; hash?: string; isFinal: boolean }
  | { phase: 'failed'; input: ActInputs[ActName]; way: ActWay; reason: string }
)

/** How an act goes to the chain. */
export interface ActWay {
  /** The account only signs, and the relayer of the API sends. */
  relay?: boolean
}

/** What would be signed and sent. */
export interface ActPlan {
  steps: readonly ShownStep[]
  /** The most that the gas costs, in wei; undefined while a step cannot be tried before an earlier one is sent. */
  gas: bigint | undefined
  /** Native tokens that are sent, in wei. */
  value: bigint
  /** What cannot be known before. */
  rest?: string
  /** What is agreed to besides, in sentences. */
  says?: readonly string[]
  /** Whether it can be signed only; undefined where nothing is relayed. */
  relay?: RelayOffer
}

/** Something that was not in the plan, or that no plan shows: the person is asked about it now. */
export interface Asking {
  step: ShownStep
  answer(agreed: boolean): void
}

let flow: Flow | undefined
let isOpen = false
const viewers = new Set<() => void>()

function tell(): void {
  for (const view of viewers) view()
}

const watch = (view: () => void) => {
  viewers.add(view)
  return () => viewers.delete(view)
}

export const useFlow = (): Flow | undefined => useSyncExternalStore(watch, () => flow)
export const useFlowOpen = (): boolean => useSyncExternalStore(watch, () => isOpen)
export const currentFlow = (): Flow | undefined => flow

export function putFlow(next: Flow | undefined): void {
  flow = next
  if (!next) isOpen = false
  tell()
}

/** Opens the form of an act, or shows the one that is running. */
export function openAct(name: ActName, given: Readonly<Record<string, string>> = {}): void {
  if (flow?.phase !== 'running') flow = { name, given, phase: 'form' }
  isOpen = true
  tell()
}

/** Hides the dialog. What is running goes on; anything else ends. */
export function hideAct(): void {
  if (flow?.phase !== 'running') flow = undefined
  isOpen = false
  tell()
}

export function showAct(): void {
  isOpen = flow !== undefined
  tell()
}
