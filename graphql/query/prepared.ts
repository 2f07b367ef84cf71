import { LRUCache } from 'lru-cache'
import type { QueryConfig } from 'pg'

/** PostgreSQL plans a named statement once per connection. A text gets a name when it is used a second time. There are at most `MAX_NAMES`
 *  names, and none is ever given up, because a server connection keeps every named statement in memory. */
const MAX_NAMES = 500
const names = new Map<string, string>()
const usedOnce = new LRUCache<string, true>({ max: MAX_NAMES })

export function prepared(text: string, values: unknown[]): QueryConfig {
  const name = names.get(text)
  if (name) return { name, text, values }
  if (names.size < MAX_NAMES) {
    if (usedOnce.delete(text)) {
      const next = `api${names.size}`
      names.set(text, next)
      return { name: next, text, values }
    }
    usedOnce.set(text, true)
  }
  return { text, values }
}
