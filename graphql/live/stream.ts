/** An async iterator over items that `fetch` reads from the database. `fetch` returns the new items in order. It runs after every `wake`, but
 *  never twice at once, and not while fetched items wait for the consumer. */
export class SubscriptionStream<T extends object> implements AsyncIterableIterator<T> {
  private readonly items: T[] = []
  private waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined
  private stale = true
  private fetching = false
  private ended = false
  private failure: { error: unknown } | undefined

  constructor(
    private readonly fetch: () => Promise<{ items: T[]; more?: boolean; done?: boolean }>,
    private readonly close: () => void,
  ) {}

  /** Tells the stream that there may be new items. */
  wake(): void {
    this.stale = true
    if (this.waiting) void this.fill()
  }

  next(): Promise<IteratorResult<T>> {
    const item = this.items.shift()
    if (item !== undefined) return Promise.resolve({ value: item, done: false })
    if (this.failure) {
      const { error } = this.failure
      this.finish()
      return Promise.reject(error)
    }
    if (this.ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject }
      void this.fill()
    })
  }

  return(): Promise<IteratorResult<T>> {
    this.items.length = 0
    this.finish()
    return Promise.resolve({ value: undefined, done: true })
  }

  throw(error: unknown): Promise<IteratorResult<T>> {
    this.finish()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator]() {
    return this
  }

  private async fill(): Promise<void> {
    if (this.fetching) return
    this.fetching = true
    try {
      while (this.stale && this.items.length === 0 && !this.ended) {
        this.stale = false
        const { items, more, done } = await this.fetch()
        this.items.push(...items)
        if (more) this.stale = true
        if (done) this.finish(true)
      }
    } catch (error) {
      this.failure = { error }
    } finally {
      this.fetching = false
    }
    this.serve()
  }

  private serve(): void {
    const { waiting } = this
    if (!waiting || (this.items.length === 0 && !this.ended && !this.failure)) return
    this.waiting = undefined
    this.next().then(waiting.resolve, waiting.reject)
  }

  private finish(keepItems = false): void {
    if (!this.ended) this.close()
    this.ended = true
    if (!keepItems) this.items.length = 0
    if (this.items.length === 0) {
      this.waiting?.resolve({ value: undefined, done: true })
      this.waiting = undefined
    }
  }
}
