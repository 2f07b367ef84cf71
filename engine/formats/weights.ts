/** A dense tensor in row-major order; `data.length` is the product of `shape`. A scalar has shape []. */
export type WeightTensor = { shape: number[]; data: Float32Array }

/** The weights of a model or an adapter by name. */
export type Weights = Map<string, WeightTensor>

/** The number of elements a shape holds. Throws when it is not a list of whole numbers or passes 2^53. */
export function elementCount(shape: readonly number[]): number {
  let count = 1
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) throw new Error(`[${shape}] is not a shape: sizes are whole numbers.`)
    count *= size
  }
  if (!Number.isSafeInteger(count)) throw new Error(`The shape [${shape}] holds more elements than 2^53.`)
  return count
}
