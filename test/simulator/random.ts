/** A small seeded generator (mulberry32): whole numbers from 0 to below `below`. The same seed, the same run. */
export function seededRandom(seed: number) {
  return (below: number): number => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export type SeededRandom = ReturnType<typeof seededRandom>

/** A generator of its own for one place of a run, so that what happens there does not depend on what happened elsewhere first. */
export const seededRandomAt = (seed: number, ...place: number[]): SeededRandom =>
  seededRandom(
    place.reduce((mixed, value) => Math.imul(mixed ^ (value + 0x9e3779b9), 0x85ebca6b) ^ (mixed >>> 13), seed),
  )

/** One of the entries of `weights`, each as likely as its weight. */
export function pick<K extends string>(random: SeededRandom, weights: Readonly<Record<K, number>>): K {
  const entries = Object.entries(weights) as [K, number][]
  let left = random(entries.reduce((sum, [, weight]) => sum + weight, 0))
  for (const [name, weight] of entries) {
    left -= weight
    if (left < 0) return name
  }
  throw new Error('There is nothing to pick from')
}
