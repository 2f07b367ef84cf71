import { setTimeout as sleep } from 'node:timers/promises'

/** The answer, if it comes within `ms`. @throws the error of `late` otherwise. */
export async function within<T>(ms: number, answer: Promise<T>, late: () => Error): Promise<T> {
  const stop = new AbortController()
  answer.catch(() => {}) // it may fail after the time
  const timeUp = sleep(ms, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw late()
  })
  timeUp.catch(() => {})
  try {
    return await Promise.race([answer, timeUp])
  } finally {
    stop.abort()
  }
}
