import { Source } from '#indexer/chain/source.ts'
import type { EventContext } from '#indexer/handlers/eventContext.ts'
import { handlers } from '#indexer/handlers/index.ts'
import type { Database } from '#schema/database.ts'

/** Deliberate bugs in the indexer: the simulator must find each of them. */

/** Plants the bug; returns a function that removes it. */
type Plant = () => () => void

/** Replaces a method, also a private one. */
function replace<T extends object>(owner: T, name: string, by: (original: (...args: never[]) => unknown) => unknown) {
  const members = owner as Record<string, unknown>
  const original = members[name] as (...args: never[]) => unknown
  members[name] = by(original)
  return () => {
    members[name] = original
  }
}

export const BUGS = {
  /** A handler remembers which log positions it has seen, and skips a position that it sees again. After a reorganisation it skips the new log
   *  at the same position. */
  'a handler forgets to undo': () => {
    const seen = new Set<string>()
    return replace(handlers.GOpen, 'Transfer', (original) => (...given: never[]) => {
      const [rows, , event] = given as unknown as [rows: { speculating: boolean }, args: object, event: EventContext]
      if (seen.has(event.id)) return
      original(...given)
      if (!rows.speculating) seen.add(event.id)
    })
  },
  /** The first block of each range is omitted, except that of the first range. */
  'a log at a range’s border is skipped': () =>
    replace(
      Source.prototype,
      'fetchRange',
      (original) =>
        async function (this: Source, ...given: never[]) {
          const ranges = (await original.call(this, ...given)) as {
            from: number
            logs: { block: number }[]
          }[]
          for (const range of ranges)
            if (range.from > 1) range.logs = range.logs.filter(({ block }) => block !== range.from)
          return ranges
        },
    ),
  /** The latest block of the node counts as final, so that it is never linked to the blocks before. */
  'a stale head is trusted': () =>
    replace(
      Source.prototype,
      'tip',
      (original) =>
        async function (this: Source) {
          const tip = (await original.call(this)) as { head: { number: number }; final: number }
          return { ...tip, final: tip.head.number }
        },
    ),
} as const satisfies Record<string, Plant>

/** A bug in the SQL: one table is not rolled back after a fork. */
export const FORGETFUL = 'a table is not rolled back'

export type Bug = keyof typeof BUGS | typeof FORGETFUL

export const bugs = [...Object.keys(BUGS), FORGETFUL] as Bug[]

/** The database as an indexer with this bug uses it. */
export function withBug(db: Database, bug: Bug | undefined): Database {
  if (bug !== FORGETFUL) return db
  const without = (text: unknown) =>
    typeof text === 'string' && text.includes('where from_block >')
      ? text.replace(
          /delete from "vote" where from_block > \d+;\s*update "vote" set to_block = null where to_block > \d+;/,
          '',
        )
      : text
  return {
    ...db,
    transaction: (work, isolation) =>
      db.transaction((sql) => work({ query: (text, values) => sql.query(without(text) as string, values) }), isolation),
  }
}

let planted: { bug: Bug | undefined; out: () => void } = { bug: undefined, out: () => {} }

/** Plants `bug` in this process, and removes any other. */
export function plantBug(bug: Bug | undefined) {
  if (planted.bug === bug) return
  planted.out()
  planted = { bug, out: bug && bug in BUGS ? BUGS[bug as keyof typeof BUGS]() : () => {} }
}
