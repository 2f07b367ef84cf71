import { useSyncExternalStore } from 'react'

/** The clock of the chain. A chain on one's own machine may have another one than the machine: its time is set forward, and blocks are rare. */

/** Nearer to each other, the two are one clock, and a block is only a while old. */
const OWN_CLOCK_MS = 86_400_000

let offsetMs = 0
const viewers = new Set<() => void>()

/** How far the chain's clock is from that of this device, when a block of this time was heard of; 0 when they are one. In milliseconds. */
export function clockOffset(blockTime: number, heardAt: number): number {
  const apart = blockTime - heardAt
  return Math.abs(apart) > OWN_CLOCK_MS ? apart : 0
}

/** Takes note of the newest block. */
export function noteBlockTime(time: string): void {
  offsetMs = clockOffset(Date.parse(time), Date.now())
  for (const view of viewers) view()
}

const watch = (view: () => void) => {
  viewers.add(view)
  return () => viewers.delete(view)
}

export const useClockOffset = (): number => useSyncExternalStore(watch, () => offsetMs)
