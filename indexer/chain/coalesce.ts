import type { BlockRange } from './blockRange.ts'

/** Far behind the head, ranges with few logs are stored several at a time: a transaction costs the same for one as for many. */

const ENOUGH_LOGS = 2_000
const MAX_WAIT_MS = 500

/** Joins consecutive ranges until they hold enough logs, or half a second has passed. When the source fails, the ranges held so far
 *  are yielded before the error, so that every round makes progress. */
export async function* coalesced(ranges: AsyncIterable<BlockRange>): AsyncGenerator<BlockRange> {
  let held: BlockRange | undefined
  let since = performance.now()
  try {
    for await (const range of ranges) {
      held = held ? joined(held, range) : range
      if (held.logs.length < ENOUGH_LOGS && performance.now() - since < MAX_WAIT_MS) continue
      const whole = held
      held = undefined
      yield whole
      since = performance.now()
    }
  } catch (error) {
    if (held) yield held
    throw error
  }
  if (held) yield held
}

const joined = (first: BlockRange, next: BlockRange): BlockRange => ({
  from: first.from,
  to: next.to,
  headers: [...first.headers, ...next.headers],
  logs: [...first.logs, ...next.logs],
  children: [...(first.children ?? []), ...(next.children ?? [])],
})
