import { afterAll, vi } from 'vitest'

/** The next file of this process finds the environment as it was. */
afterAll(() => {
  vi.unstubAllEnvs()
})
