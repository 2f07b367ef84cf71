import { checkFinite, checkRange, FeedError } from './feedChecks.ts'
import { dtypeOf, type InputAttributes, type Node, type Signature, type TypedData } from './node.ts'
import { type Dtype, formatShape, type Shape, sameShape, sizeFromShape } from './shape.ts'

/** Values with a shape and a type. `tensor` checks them once, not at every run; do not change them later. */
export class Tensor {
  constructor(
    readonly shape: Shape,
    readonly dtype: Dtype,
    private readonly source: TypedData | (() => never),
  ) {}

  get data(): TypedData {
    return typeof this.source === 'function' ? this.source() : this.source
  }

  get floats(): Float32Array {
    if (!(this.data instanceof Float32Array)) throw new FeedError(`these values are ${this.dtype}, not f32`)
    return this.data
  }

  /** The values as numbers; int64 is exact up to 2^53. */
  get numbers(): number[] {
    return Array.from(this.data as Int32Array, Number)
  }

  /** The element of a tensor with one element. */
  get value(): number {
    if (sizeFromShape(this.shape) !== 1)
      throw new FeedError(`a tensor of shape ${formatShape(this.shape)} is not a single value`)
    return Number(this.data[0])
  }
}

/** A tensor of checked values: as many as the shape has elements and, for f32, finite. `name` is for error messages. */
export function tensor(data: TypedData, shape: Shape = [data.length], name = 'a tensor'): Tensor {
  const dtype = dtypeOf(data)
  if (data.length !== sizeFromShape(shape))
    throw new FeedError(`${name}: ${data.length} values do not fill shape ${formatShape(shape)}`)
  if (data instanceof Float32Array) checkFinite(data, name)
  return new Tensor(shape, dtype, data)
}

/** A value for an input: a tensor, a typed array in the shape of the input, or a number for a scalar. */
export type FeedValue = Tensor | TypedData | number
export type Feeds = Readonly<Record<string, FeedValue>>

type Declared = Node<InputAttributes & Signature>

/** Checks all feeds: names, types, shapes, finite values and ids within their bounds. @throws FeedError */
export function checkFeeds(inputs: readonly Declared[], feeds: Feeds): Record<string, Tensor> {
  const known = new Set(inputs.map((node) => node.attributes.name))
  for (const name of Object.keys(feeds))
    if (!known.has(name)) throw new FeedError(`the graph has no input ${name}; it takes ${[...known].join(', ')}`)
  return Object.fromEntries(
    inputs.map((node) => {
      const feed = feeds[node.attributes.name]
      if (feed === undefined) throw new FeedError(`input ${node.attributes.name} is missing`)
      return [node.attributes.name, checkFeed(node, feed)]
    }),
  )
}

function checkFeed({ attributes: { name, below }, shape, dtype }: Declared, feed: FeedValue): Tensor {
  const given = typeof feed === 'number' ? scalarFeed(name, feed, dtype) : feed
  const made = given instanceof Tensor ? given : new Tensor(shape, dtypeOf(given), given)
  if (made.dtype !== dtype) throw new FeedError(`input ${name} takes ${dtype}, not ${made.dtype}`)
  if (!(given instanceof Tensor)) {
    if (given.length !== sizeFromShape(shape))
      throw new FeedError(
        `input ${name} of shape ${formatShape(shape)} takes ${sizeFromShape(shape)} values, not ${given.length}`,
      )
    if (given instanceof Float32Array) checkFinite(given, `input ${name}`)
  } else if (!sameShape(made.shape, shape))
    throw new FeedError(`input ${name} has shape ${formatShape(shape)}, not ${formatShape(made.shape)}`)
  if (below !== undefined) checkRange(made.data, name, below)
  return made
}

function scalarFeed(name: string, value: number, dtype: Dtype): TypedData {
  if (dtype === 'f32') return Float32Array.of(value)
  if (!Number.isSafeInteger(value)) throw new FeedError(`input ${name} takes whole numbers, not ${value}`)
  if (dtype === 'i32') return Int32Array.of(value)
  return dtype === 'i64' ? BigInt64Array.of(BigInt(value)) : Uint8Array.of(value)
}
