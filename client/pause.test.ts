import { expect, onTestFinished, test, vi } from 'vitest'
import { pauses } from './pause.ts'

test('who waits long looks seldom, and learns of the end hardly later', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const pause = pauses({ pollMs: 50 })
  const looks: number[] = []
  const began = performance.now()
  for (let at = 0; at < 600_000; at = performance.now() - began) {
    looks.push(at)
    const paused = pause()
    await vi.advanceTimersToNextTimerAsync()
    await paused
  }
  expect(looks.filter((at) => at < 1_000)).toHaveLength(20)
  expect(looks.length).toBeLessThan(450) // instead of 12,000
  const late = looks.slice(1).map((at, nth) => (at - (looks[nth] ?? 0)) / Math.max(at, 1_000))
  expect(Math.max(...late)).toBeLessThanOrEqual(0.051)
})

test('the wait ends with its signal', async () => {
  const stop = new AbortController()
  const paused = pauses({ pollMs: 60_000, signal: stop.signal })()
  stop.abort(new Error('enough'))
  await expect(paused).rejects.toThrow('enough')
})
