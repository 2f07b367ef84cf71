import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { delayCancellation, Interruption } from './job.ts'

test('a cancellation is passed on after its time, any other interruption at once, also one that was there before', async () => {
  for (const early of [true, false]) {
    const [cancelled, stopping] = [new AbortController(), new AbortController()]
    const abort = () => {
      cancelled.abort(new Interruption('cancelled'))
      stopping.abort(new Interruption('stopping'))
    }
    if (early) abort()
    const signals = [cancelled, stopping].map(({ signal }) => delayCancellation(signal, 100))
    if (!early) abort()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
    await sleep(200)
    expect(signals.map(({ reason }) => reason)).toEqual([cancelled.signal.reason, stopping.signal.reason])
  }
})
