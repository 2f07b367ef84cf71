/** Shared by all rules: lookups that must succeed, because an earlier check guarantees it. */

/** The entry of `key`. @throws RangeError when there is none. */
export function entryOf<K, V>(entries: ReadonlyMap<K, V>, key: K): V {
  const found = entries.get(key)
  if (found === undefined) throw new RangeError(`There is no entry ${key}.`)
  return found
}

/** The element at `index`. @throws RangeError when there is none. */
export function elementAt<T>(elements: readonly T[], index: number): T {
  const found = elements[index]
  if (found === undefined) throw new RangeError(`There is no element ${index} of ${elements.length}.`)
  return found
}
