import type { Logger } from 'pino'
import { isLogged } from '#schema/isLogged.ts'

/** Does `work` every `ms`, never twice at the same time. What fails is tried again at its next interval; of failures in a row, the 1st, 2nd,
 *  4th, 8th … is logged, and then the first success.
 *  @param first when it is done first: after one interval, or at once.
 *  @returns a function that ends it. */
export function periodically(
  task: string,
  ms: number,
  work: () => Promise<unknown>,
  log: Logger,
  first: 'later' | 'now' = 'later',
): () => void {
  let busy = false
  let failures = 0
  const run = async () => {
    if (busy) return
    busy = true
    try {
      await work()
      if (failures) log.info({ task, failures }, 'a periodic task works again')
      failures = 0
    } catch (err) {
      failures++
      if (isLogged(failures))
        log.warn({ task, failures, err }, 'a periodic task failed; it is tried again at its next interval')
    } finally {
      busy = false
    }
  }
  if (first === 'now') void run()
  const timer = setInterval(run, ms)
  return () => clearInterval(timer)
}
