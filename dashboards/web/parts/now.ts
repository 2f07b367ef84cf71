import { useEffect, useState } from 'react'
import { useClockOffset } from '../data/chainClock.ts'

/** The time of this device, kept moving so that ages stay true. */
export function useNow(everyMs = 5000): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** The time of the chain: from it on, the ages of blocks and of what contracts wait for are counted. */
export const useChainNow = (everyMs?: number): number => useNow(everyMs) + useClockOffset()
