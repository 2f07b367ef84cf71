import type { Stretch } from './stretch.ts'

/** Far behind the head, stretches with little in them are stored several at a time: a transaction costs the same for one as for many. */

const ENOUGH_LOGS = 2_000
const LONGEST_MS = 500

/** Joins stretches that follow each other until they hold enough, or half a second has passed. What was held when the chain fails is
 *  handed on before the failure, so that every round comes further. */
export async function* gathered(stretches: AsyncIterable<Stretch>): AsyncGenerator<Stretch> {
  let held: Stretch | undefined
  let since = performance.now()
  try {
    for await (const stretch of stretches) {
      held = held ? joined(held, stretch) : stretch
      if (held.logs.length < ENOUGH_LOGS && performance.now() - since < LONGEST_MS) continue
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

const joined = (first: Stretch, next: Stretch): Stretch => ({
  from: first.from,
  to: next.to,
  headers: [...first.headers, ...next.headers],
  logs: [...first.logs, ...next.logs],
  children: [...(first.children ?? []), ...(next.children ?? [])],
})
