import type { QueryConfig } from 'pg'

/** PostgreSQL plans a named statement once a connection. A text gets a name when it comes a second time; after `MOST` names no more are
 *  given, so that queries made up without end cannot fill the server's memory. */
const MAX_NAMES = 500
const names = new Map<string, string>()
let seen = new Set<string>()

export function prepared(text: string, values: unknown[]): QueryConfig {
  const name = names.get(text)
  if (name) return { name, text, values }
  if (names.size < MAX_NAMES) {
    if (seen.delete(text)) {
      const next = `api${names.size}`
      names.set(text, next)
      return { name: next, text, values }
    }
    if (seen.size >= MAX_NAMES) seen = new Set()
    seen.add(text)
  }
  return { text, values }
}
