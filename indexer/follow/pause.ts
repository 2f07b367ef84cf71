import { setTimeout as sleep } from 'node:timers/promises'

/** Waits between rounds, unless somebody wakes it, now or since the last wait. */
export class Pause {
  private woken = new AbortController()

  poke() {
    this.woken.abort()
  }

  async wait(ms: number, signal: AbortSignal) {
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, this.woken.signal]) }).catch(() => {})
    this.woken = new AbortController()
  }
}
