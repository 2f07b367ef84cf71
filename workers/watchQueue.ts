import type { Logger } from 'pino'
import type { Queues } from '#schema/queue.ts'

/** Returns a check that tells in the log, once each, that the queue does not answer and that it answers again. */
export function watchQueue(queues: Pick<Queues, 'ping'>, log: Logger): () => Promise<void> {
  let silentSince: number | undefined
  return async () => {
    try {
      await queues.ping()
      if (silentSince === undefined) return
      log.info({ silentMs: Math.round(performance.now() - silentSince) }, 'the queue answers again')
      silentSince = undefined
    } catch (err) {
      if (silentSince !== undefined) return
      silentSince = performance.now()
      log.warn(
        { err },
        'the queue does not answer: new jobs start without it, jobs that wait for a service do not until it answers',
      )
    }
  }
}
