import { useCallback, useEffect, useRef, useState } from 'react'
import type { CheckedSamples } from '../folder/checkSamples.ts'
import type { Ready } from '../wallet/sessionKinds.ts'

export interface SamplesCheck {
  isChecking: boolean
  checked?: CheckedSamples
  /** Why they could not be checked. */
  problem?: string
  /** Checks a file; without one, forgets what was checked. */
  check(file?: File): void
}

/** Checks files of samples for a datanet, one after the other: what was chosen last counts. */
export function useSamplesCheck(session: Ready, datanetId: string): SamplesCheck {
  const [state, setState] = useState<Omit<SamplesCheck, 'check'>>({ isChecking: false })
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  const check = useCallback(
    async (file?: File) => {
      running.current?.abort()
      const stop = new AbortController()
      running.current = stop
      setState({ isChecking: file !== undefined })
      if (!file) return
      const put = (next: Omit<SamplesCheck, 'check' | 'isChecking'>) =>
        !stop.signal.aborted && setState({ isChecking: false, ...next })
      try {
        const { checkSamples } = await import('../folder/checkSamples.ts')
        put({ checked: await checkSamples(session, BigInt(datanetId), file, stop.signal) })
      } catch (error) {
        put({ problem: (error as Error).message })
      }
    },
    [session, datanetId],
  )
  return { ...state, check: (file) => void check(file) }
}
