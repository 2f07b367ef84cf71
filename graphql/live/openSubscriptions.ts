import type { Caller } from '../access.ts'
import { ApiError } from '../errors.ts'

/** Subscriptions that one account has at most, and one address without a key. */
const MAX_OF_ONE = 250
/** Those that all have together who use no key. */
const MAX_WITHOUT_KEY = 1_000

/** Counts the open subscriptions of an API: each costs work at every block, and whoever needs no key could open any number. */
export class OpenSubscriptions {
  private readonly counts = new Map<string, number>()

  /** Counts one more. @returns what ends it. @throws ApiError when there are too many. */
  open(caller: Caller, address: string): () => void {
    const isNamed = 'account' in caller
    const own = isNamed ? `account ${caller.account ?? caller.kind}` : `address ${address}`
    this.require(own, MAX_OF_ONE, isNamed ? 'Your account has' : 'Your address has, without a key,')
    if (!isNamed) this.require('without a key', MAX_WITHOUT_KEY, 'All who use no key have')
    const names = isNamed ? [own] : [own, 'without a key']
    for (const name of names) this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      for (const name of names) {
        const left = (this.counts.get(name) ?? 1) - 1
        if (left > 0) this.counts.set(name, left)
        else this.counts.delete(name)
      }
    }
  }

  private require(name: string, most: number, who: string): void {
    if ((this.counts.get(name) ?? 0) < most) return
    throw new ApiError(
      'TOO_MANY_SUBSCRIPTIONS',
      `${who} ${most} subscriptions open, the most there may be. End some first, or ask at intervals.`,
    )
  }
}
