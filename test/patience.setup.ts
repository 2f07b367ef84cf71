import { vi } from 'vitest'

/** Waits end when what they wait for is there; how long that takes tells how busy the machine is, and not whether the product is right. */
const PATIENCE_MS = 120_000

const { waitFor } = vi
vi.waitFor = (callback, options) => {
  const given = typeof options === 'number' ? { timeout: options } : options
  return waitFor(callback, { ...given, timeout: Math.max(given?.timeout ?? 0, PATIENCE_MS) })
}
