import { useSyncExternalStore } from 'react'
import type { ReceiptVerdict } from '#client/acts/checkReceipt.ts'
import type { CallReceipt } from '#client/reads/receipt.ts'

/** The answer of the call that this page is in, as far as it is generated. */
export interface ShownAnswer {
  text: string
  receipt?: CallReceipt
  /** Of the receipt, by this browser. */
  verdict?: ReceiptVerdict
}

let answer: ShownAnswer = { text: '' }
const viewers = new Set<() => void>()

export function putAnswer(next: ShownAnswer): void {
  answer = next
  for (const view of viewers) view()
}

const watch = (view: () => void) => {
  viewers.add(view)
  return () => viewers.delete(view)
}

export const useAnswer = (): ShownAnswer => useSyncExternalStore(watch, () => answer)
