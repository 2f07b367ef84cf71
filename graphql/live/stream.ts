/** Items that are fetched when there is news and handed out when asked for. `fetch` returns what is new, in order; it is called
 *  again after every `wake`, never twice at once, and not while items wait to be taken. */
export class SubscriptionStream<T> implements AsyncIterableIterator<T> {
  private readonly items: T[] = []
  private taker: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined
  private news = true
  private fetching = false
  private over = false
  private failure: { error: unknown } | undefined

  constructor(
    private readonly fetch: () => Promise<{ items: T[]; more?: boolean; done?: boolean }>,
    private readonly close: () => void,
  ) {}

  /** Something may be new. */
  wake(): void {
    this.news = true
    if (this.taker) void this.fill()
  }

  next(): Promise<IteratorResult<T>> {
    if (this.items.length > 0) return Promise.resolve({ value: this.items.shift()!, done: false })
    if (this.failure) {
      const { error } = this.failure
      this.finish()
      return Promise.reject(error)
    }
    if (this.over) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      this.taker = { resolve, reject }
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
      while (this.news && this.items.length === 0 && !this.over) {
        this.news = false
        const { items, more, done } = await this.fetch()
        this.items.push(...items)
        if (more) this.news = true
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
    const { taker } = this
    if (!taker || (this.items.length === 0 && !this.over && !this.failure)) return
    this.taker = undefined
    this.next().then(taker.resolve, taker.reject)
  }

  private finish(keepItems = false): void {
    if (!this.over) this.close()
    this.over = true
    if (!keepItems) this.items.length = 0
    if (this.items.length === 0) {
      this.taker?.resolve({ value: undefined, done: true })
      this.taker = undefined
    }
  }
}
