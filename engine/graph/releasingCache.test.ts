import { expect, test } from 'vitest'
import { ReleasingCache } from './releasingCache.ts'

test('above the limit the least recently used value is released before the new one is returned', async () => {
  const released: string[] = []
  const cache = new ReleasingCache<string, string>(2, async (value) => released.push(value))
  const load = (key: string) => cache.get(key, async () => key.toUpperCase())
  await load('a')
  await load('b')
  expect(await load('a')).toBe('A')
  await load('c')
  expect(released).toEqual(['B'])
  await cache.release()
  expect(released.sort()).toEqual(['A', 'B', 'C'])
})

test('a value that could not be created is created again, and is never released', async () => {
  const released: number[] = []
  const cache = new ReleasingCache<string, number>(1, async (value) => released.push(value))
  await expect(cache.get('a', () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory')
  expect(await cache.get('a', async () => 1)).toBe(1)
  await cache.release()
  expect(released).toEqual([1])
})
