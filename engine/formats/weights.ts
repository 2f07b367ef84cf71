/** A dense tensor in row-major order; `data.length` is the product of `shape`. A scalar has shape []. */
export type WeightTensor = { shape: number[]; data: Float32Array }

/** The weights of a model or an adapter by name. */
export type Weights = Map<string, WeightTensor>

/** One weight. @throws Error when it is missing. */
export function weightNamed(weights: Weights, name: string): WeightTensor {
  const weight = weights.get(name)
  if (!weight) throw new Error(`The weights have no ${name}.`)
  return weight
}

/** In the order of the names' UTF-16 code units, as files contain them. */
export const sortedByName = (weights: Weights): [string, WeightTensor][] =>
  [...weights].sort(([a], [b]) => (a < b ? -1 : Number(a > b)))

/** The number of elements of a shape. @throws Error when it is not a list of whole numbers or exceeds 2^53. */
export function elementCount(shape: readonly number[]): number {
  let count = 1
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new Error(`[${shape}] is not a shape: its sizes must be whole numbers.`)
    count *= size
  }
  if (!Number.isSafeInteger(count)) throw new Error(`The shape [${shape}] has more than 2^53 elements.`)
  return count
}
