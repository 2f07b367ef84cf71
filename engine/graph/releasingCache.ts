import { LRUCache } from 'lru-cache'

/** A cache of values that hold device memory. Above `max` values, the least recently used one is released. */
export class ReleasingCache<K extends string | number, V> {
  private readonly values: LRUCache<K, Promise<V>>
  private readonly evicted: Promise<V>[] = []

  constructor(
    max: number,
    private readonly releaseValue: (value: V) => Promise<unknown>,
  ) {
    this.values = new LRUCache({
      max,
      dispose: (value, _key, reason) => {
        if (reason === 'evict') this.evicted.push(value)
      },
    })
  }

  get size(): number {
    return this.values.size
  }

  /** The cached value, which counts as used no later for it. */
  peek(key: K): Promise<V> | undefined {
    return this.values.peek(key)
  }

  /** The cached value, or a new one. An evicted value is released before this returns, so that its memory is free. */
  async get(key: K, create: () => Promise<V>): Promise<V> {
    const known = this.values.get(key)
    if (known) return known
    const value = create()
    this.values.set(key, value)
    value.catch(() => {
      if (this.values.peek(key) === value) this.values.delete(key)
    })
    await this.releaseAll(this.evicted.splice(0))
    return value
  }

  /** Releases all values. */
  async release(): Promise<void> {
    const all = [...this.values.values()]
    this.values.clear()
    await this.releaseAll(all)
  }

  private async releaseAll(values: readonly Promise<V>[]): Promise<void> {
    for (const value of await Promise.allSettled(values))
      if (value.status === 'fulfilled') await this.releaseValue(value.value)
  }
}
