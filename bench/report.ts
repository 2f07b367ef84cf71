/** The results of a benchmark: our figures and those of the peers, for the same work in the same run. */
export interface BenchReport {
  bench: string
  /** By case. */
  ours: Record<string, Figure>
  /** By peer, then by case. */
  peers: Record<string, Record<string, Figure>>
  /** Our figure relative to a peer's, higher is better for ours; keys are `peer case`. */
  ratios: Record<string, number>
  /** Bounds of the figures, by case: a limit that no implementation can exceed, or the target. */
  limit: Record<string, Figure | number>
  /** Peers and cases that were not measured, with the reason. */
  absent: string[]
  /** What was to be reached, by name. With `--strict`, one that was not ends the program with 1. */
  goals?: Record<string, Goal>
}

export interface Goal {
  reached: number
  target: number
  ok: boolean
}

export const atLeast = (target: number, reached: number): Goal => ({
  reached: round(reached),
  target,
  ok: reached >= target,
})
export const atMost = (target: number, reached: number): Goal => ({
  reached: round(reached),
  target,
  ok: reached <= target,
})

export const emptyReport = (bench: string): BenchReport => ({
  bench,
  ours: {},
  peers: {},
  ratios: {},
  limit: {},
  absent: [],
})

/** The value of a key that must exist. @throws Error that names it. */
export function entry<T>(record: Readonly<Record<string, T>>, key: string): T {
  const value = record[key]
  if (value === undefined) throw new Error(`There is no ${key}; there are ${Object.keys(record).join(', ')}.`)
  return value
}

export interface Figure {
  median: number
  min: number
  max: number
  unit: string
}

/** How long `work` takes, in seconds. */
export async function secondsOf(runs: number, work: () => unknown): Promise<Figure> {
  const seconds: number[] = []
  for (let run = 0; run < runs; run++) {
    const begin = performance.now()
    await work()
    seconds.push((performance.now() - begin) / 1000)
  }
  return figure(seconds, 's')
}

/** The value below which `fraction` of `values` lie; `values` need not be sorted. @throws Error when there are none. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))]
  if (value === undefined) throw new Error('A percentile needs at least one value.')
  return value
}

export const figure = (values: readonly number[], unit: string): Figure => ({
  median: round(percentile(values, 0.5)),
  min: round(Math.min(...values)),
  max: round(Math.max(...values)),
  unit,
})

const round = (value: number) => Number(value.toPrecision(4))

/** The ratio of two medians, higher is better for ours. `lower`: a smaller figure is better, as for a duration. */
export const ratio = (ours: Figure, peer: Figure, { lower = false } = {}) =>
  round(lower ? peer.median / ours.median : ours.median / peer.median)
