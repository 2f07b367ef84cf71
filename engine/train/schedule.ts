export interface Schedule {
  /** The highest learning rate. */
  peak: number
  shape: 'constant' | 'linear' | 'cosine'
  /** Number of steps of the linear rise to the peak; step `warmup` has the peak. */
  warmup: number
  /** Final rate of a linear or cosine schedule, as a fraction of the peak. */
  floor: number
}

/**
 * A schedule of the learning rate; by default a cosine from `peak` to 0 without warm-up.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { learningRateAt, schedule } from '#engine/train/schedule.ts'
 *
 * const linear = schedule(1e-3, { shape: 'linear', warmup: 10 })
 * assert.equal(learningRateAt(linear, 5, 100), 5e-4)
 * assert.equal(learningRateAt(linear, 11, 100), 1e-3)
 * ```
 */
export const schedule = (peak: number, given: Partial<Omit<Schedule, 'peak'>> = {}): Schedule => ({
  peak,
  shape: 'cosine',
  warmup: 0,
  floor: 0,
  ...given,
})

/** The learning rate of a step (counted from 1) of `total` steps. The first step after the warm-up has the peak. */
export function learningRateAt({ peak, shape, warmup, floor }: Schedule, step: number, total: number): number {
  if (step <= warmup) return (peak * step) / warmup
  if (shape === 'constant') return peak
  const progress = Math.min(1, (step - warmup - 1) / Math.max(1, total - warmup))
  const remaining = shape === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2
  return peak * (floor + (1 - floor) * remaining)
}
