import { expect, test } from 'vitest'
import { batched } from './batch.ts'
import { RetriableError } from './errors.ts'

test('a call that arrives alone runs at once; calls that arrive meanwhile share the next batch, in order', async () => {
  const batches: number[][] = []
  let release = () => {}
  const first = new Promise<void>((resolve) => {
    release = resolve
  })
  const double = batched(async (items: readonly number[]) => {
    batches.push([...items])
    if (batches.length === 1) await first
    return items.map((item) => item * 2)
  }, 3)
  const results = [1, 2, 3, 4, 5].map(double)
  expect(batches).toEqual([[1]])
  release()
  expect(await Promise.all(results)).toEqual([2, 4, 6, 8, 10])
  expect(batches).toEqual([[1], [2, 3, 4], [5]])
  expect(await double(6)).toBe(12)
})

test.each([
  ['a retriable error reaches every call of its batch and no other', new RetriableError('two'), 'rejected'],
  ['any other error reaches only the call that it belongs to', new Error('two'), 'fulfilled'],
])('%s', async (_, error, neighbour) => {
  const work = batched(async (items: readonly number[]) => {
    await Promise.resolve()
    if (items.includes(2)) throw error
    return [...items]
  }, 2)
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(work))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', neighbour, 'fulfilled'])
})
