/** A small seeded generator (mulberry32) of integers from 0 to `below - 1`. The same seed gives the same sequence. */
export function seededRandom(seed: number) {
  return (below: number): number => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export type SeededRandom = ReturnType<typeof seededRandom>

/** A separate generator for one point of a simulation, so that its numbers do not depend on how many were drawn elsewhere. */
export const seededRandomAt = (seed: number, ...place: number[]): SeededRandom =>
  seededRandom(
    place.reduce((mixed, value) => Math.imul(mixed ^ (value + 0x9e3779b9), 0x85ebca6b) ^ (mixed >>> 13), seed),
  )

/** Draws one of the keys of `weights`, each with the probability of its weight. */
export function pick<K extends string>(random: SeededRandom, weights: Readonly<Record<K, number>>): K {
  const entries = Object.entries(weights) as [K, number][]
  let left = random(entries.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [name, weight] of entries) {
    left -= weight
    if (left < 0) return name
  }
  throw new Error('The weights are empty.')
}
