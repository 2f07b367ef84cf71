import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { untilAborted } from './untilAborted.ts'

const never = new Promise<never>(() => {})

test('an abort ends the wait with its reason, also one that came before', async () => {
  const abort = new AbortController()
  const waiting = untilAborted(never, abort.signal)
  const reason = new Error('enough')
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(untilAborted(never, abort.signal)).rejects.toBe(reason)
})

test('without an abort it is the work, and no listener stays', async () => {
  const { signal } = new AbortController()
  expect(await untilAborted(Promise.resolve(7), signal)).toBe(7)
  await expect(untilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('the error of work that nobody waits for any more is no unhandled rejection', async () => {
  const abort = new AbortController()
  let fail = (_: Error) => {}
  const work = new Promise<never>((_, reject) => {
    fail = reject
  })
  const waiting = untilAborted(work, abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  fail(new Error('late'))
  await new Promise(setImmediate)
})
