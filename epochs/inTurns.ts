import { setImmediate } from 'node:timers/promises'
import type { Steps } from '#rules/steps.ts'

/** A long computation, with a turn of the event loop between its steps: a worker that is busy for longer than its claims last would lose all of them. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await setImmediate()
  }
}
