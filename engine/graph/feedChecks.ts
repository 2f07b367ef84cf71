// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction
import type { TypedData } from './node.ts'

/** A value that does not fit the graph; the message names the input. */
export class FeedError extends Error {
  override name = 'FeedError'
}

export function checkFinite(data: Float32Array, what: string): void {
  // x - x is 0 for a finite x and NaN otherwise, so the sum is an answer without a branch in the loop.
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i]! - data[i]!
  if (sum === 0) return
  const at = data.findIndex((value) => !Number.isFinite(value))
  throw new FeedError(`${what} contains ${data[at]} at position ${at}; only finite numbers can be fed`)
}

export function checkRange(data: TypedData, name: string, below: number): void {
  for (let i = 0; i < data.length; i++) {
    const id = data[i]!
    if (id < 0 || id >= below)
      throw new FeedError(`input ${name} contains ${id} at position ${i}; ids run from 0 to ${below - 1}`)
  }
}
