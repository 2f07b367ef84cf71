export interface Schedule {
  /** The highest learning rate. */
  peak: number
  shape: 'constant' | 'linear' | 'cosine'
  /** Steps over which the rate rises evenly to the peak, which step `warmup` has. */
  warmup: number
  /** Share of the peak that a linear or cosine schedule comes down to. */
  floor: number
}

export const schedule = (peak: number, given: Partial<Omit<Schedule, 'peak'>> = {}): Schedule => ({
  peak,
  shape: 'cosine',
  warmup: 0,
  floor: 0,
  ...given,
})

/** The learning rate of a step, counted from 1, of `total`. The first step after warming up has the peak. */
export function learningRateAt({ peak, shape, warmup, floor }: Schedule, step: number, total: number): number {
  if (step <= warmup) return (peak * step) / warmup
  if (shape === 'constant') return peak
  const progress = Math.min(1, (step - warmup - 1) / Math.max(1, total - warmup))
  const remaining = shape === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2
  return peak * (floor + (1 - floor) * remaining)
}
