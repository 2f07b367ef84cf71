/** What a benchmark measured: ours and the peers' figures on the same work in the same run. */
export interface BenchReport {
  bench: string
  /** By case. */
  ours: Record<string, Figure>
  /** By peer, then by case. */
  peers: Record<string, Record<string, Figure>>
  /** Ours against a peer, higher is better; keys are `peer case`. */
  ratios: Record<string, number>
  /** What bounds the figures: a floor that no implementation goes below, or the target. By case. */
  limit: Record<string, Figure | number>
  /** Peers and cases that were not measured, and why. */
  absent?: string[]
}

export interface Figure {
  median: number
  min: number
  max: number
  unit: string
}

/** The middle of `values`, which may come in any order. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))]!
}

export const figure = (values: readonly number[], unit: string): Figure => ({
  median: round(percentile(values, 0.5)),
  min: round(Math.min(...values)),
  max: round(Math.max(...values)),
  unit,
})

const round = (value: number) => Number(value.toPrecision(4))

/** The ratio of two medians, higher is better for ours. `lower`: the smaller figure is the better one (a time). */
export const ratio = (ours: Figure, peer: Figure, { lower = false } = {}) =>
  round(lower ? peer.median / ours.median : ours.median / peer.median)
