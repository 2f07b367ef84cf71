/** A small seeded generator (mulberry32): whole numbers from 0 to below `below`. The same seed, the same run. */
export function seeded(seed: number) {
  return (below: number): number => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export type Random = ReturnType<typeof seeded>
