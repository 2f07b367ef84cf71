/** The slots of one lane in a worker. Whoever waits for one comes before whoever only tries. */
export class SlotSemaphore {
  /** Called when a slot becomes free that nobody waits for. */
  onFree: (() => void) | undefined
  readonly #waiting: ((taken: boolean) => void)[] = []
  #free: number

  constructor(readonly count: number) {
    this.#free = count
  }

  get free(): number {
    return this.#free
  }

  /** Takes a slot as soon as one is free, in the order of the calls; false when `endWaiting` came first. */
  async acquire(): Promise<boolean> {
    return this.tryAcquire() || new Promise((resolve) => this.#waiting.push(resolve))
  }

  endWaiting(): void {
    for (const end of this.#waiting.splice(0)) end(false)
  }

  /** Takes a slot if one is free now. */
  tryAcquire(): boolean {
    if (this.#free === 0) return false
    this.#free--
    return true
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next) next(true)
    else {
      this.#free++
      this.onFree?.()
    }
  }
}
