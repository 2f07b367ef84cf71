/** Shared by all rules: a map with any number of entries. JavaScript's own has room for 2²⁴, and a model can have more stakers. */

const ROOM = 1 << 23

/**
 * Values by key, in the order in which the keys were set first.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { LargeMap } from '#rules/largeMap.ts'
 *
 * const map = new LargeMap<string, number>(2)
 * for (const [n, key] of ['a', 'b', 'c', 'a'].entries()) map.set(key, n)
 * assert.deepEqual([...map], [['a', 3], ['b', 1], ['c', 2]])
 * ```
 */
export class LargeMap<K, V> {
  private readonly parts: Map<K, V>[] = []

  /** @param room entries of each part, except in an example */
  constructor(private readonly room = ROOM) {}

  private holder(key: K): Map<K, V> | undefined {
    return this.parts.find((part) => part.has(key))
  }

  has(key: K): boolean {
    return this.holder(key) !== undefined
  }

  get(key: K): V | undefined {
    return this.holder(key)?.get(key)
  }

  set(key: K, value: V): void {
    let part = this.holder(key) ?? this.parts.at(-1)
    if (!part || (part.size >= this.room && !part.has(key))) this.parts.push((part = new Map()))
    part.set(key, value)
  }

  *[Symbol.iterator](): Generator<[K, V]> {
    for (const part of this.parts) yield* part
  }
}
