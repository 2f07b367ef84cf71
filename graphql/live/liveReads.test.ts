import { expect, test } from 'vitest'
import { LiveReads } from './liveReads.ts'

test('those that want the same at the same time share a read that began after all of them asked; few are under way', async () => {
  const reads = new LiveReads()
  let [version, begun, running, most] = [0, 0, 0, 0]
  const read = (key: string) =>
    reads.read(key, async () => {
      begun++
      most = Math.max(most, ++running)
      const seen = version
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
      return seen
    })
  const first = read('a')
  await Promise.resolve()
  version = 1 // as a block that comes while it is read
  const later = Array.from({ length: 500 }, () => read('a'))
  expect(await first).toBe(0)
  expect(new Set(await Promise.all(later))).toEqual(new Set([1]))
  expect(begun).toBe(2)

  await Promise.all(Array.from({ length: 20 }, (_, n) => read(`b${n}`)))
  expect(begun).toBe(22)
  expect(most).toBe(3)
})

test('a read that fails fails for those who share it, and is made again for the next', async () => {
  const reads = new LiveReads()
  let fails = true
  const read = () =>
    reads.read('a', async () => {
      if (fails) throw new Error('away')
      return 1
    })
  const failed = await Promise.allSettled([read(), read()])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect(await read()).toBe(1)
})
