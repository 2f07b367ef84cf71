import { setTimeout as sleep } from 'node:timers/promises'

/** Waits between rounds; `wake` ends the wait, or skips the next one. */
export class Pause {
  private woken = new AbortController()

  wake() {
    this.woken.abort()
  }

  async wait(ms: number, signal: AbortSignal) {
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, this.woken.signal]) }).catch(() => {})
    this.woken = new AbortController()
  }
}
