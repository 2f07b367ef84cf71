import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { passTime } from '#contracts/anvil.ts'

/** Chain seconds that pass at once, with a block. */
const STEP_SECONDS = 20
const POLL_MS = 100
/** Commands that run at the same time. */
const AT_ONCE = 3

/** The time of the chain passes while all people wait: so nobody misses a phase because the machine is slow. */
export class WaitingClock {
  private busy = 0
  private readonly turn = pLimit(AT_ONCE)

  constructor(
    private readonly rpcUrl: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Runs what must not be hurried, when few others run. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.busy++
    try {
      return await this.turn(work)
    } finally {
      this.busy--
    }
  }

  /** Waits until `find` gives something. @throws Error that names `what` after `maxSeconds` in which no command ran, so that a slow machine alone
   *  ends nothing. */
  async until<T>(what: string, find: () => Promise<T | undefined | null | '' | false>, maxSeconds = 400): Promise<T> {
    for (let idleMs = 0; ; ) {
      const found = await find()
      if (found) return found
      this.signal.throwIfAborted()
      if (idleMs > maxSeconds * 1000) throw new Error(`Not within ${maxSeconds} s: ${what}`)
      const since = Date.now()
      await sleep(POLL_MS)
      if (this.busy === 0) idleMs += Date.now() - since
    }
  }

  /** Lets time pass until the signal ends it. */
  async run(): Promise<void> {
    while (!this.signal.aborted) {
      await sleep(POLL_MS)
      if (this.busy === 0 && !this.signal.aborted) await passTime(this.rpcUrl, STEP_SECONDS)
    }
  }
}
