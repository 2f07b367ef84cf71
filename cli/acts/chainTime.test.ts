import { createPublicClient, custom } from 'viem'
import { expect, test } from 'vitest'
import { chainTime, withDistances } from './chainTime.ts'

test('what is printed does not wait long for a node that is away, and says the moments as they are', async () => {
  const silent = createPublicClient({ transport: custom({ request: () => new Promise(() => {}) }) })
  const away = createPublicClient({ transport: custom({ request: async () => Promise.reject(new Error('away')) }) })
  for (const node of [silent, away]) expect(await chainTime({ node })).toBeUndefined()
  expect(withDistances('until 2026-11-01T12:00:00.000Z', undefined)).toBe('until 2026-11-01T12:00:00.000Z')
})
