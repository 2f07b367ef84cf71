import type { Weights, WeightTensor } from '#engine/formats/weights.ts'
import { concat, input, type Node, reshape, slice, type Tensor, tensor } from '#engine/graph/index.ts'
import { required } from '#engine/model/linear.ts'
import { zip } from './zip.ts'

interface BufferSlot {
  name: string
  shape: number[]
  from: number
  to: number
}

/** Several parameters, concatenated in one vector, so that the optimiser runs a few operators instead of thousands. */
export interface ParameterBuffer {
  size: number
  /** Whether weight decay applies: as usual not to biases and norms. */
  decayed: boolean
  slots: readonly BufferSlot[]
}

/** One mebibyte of floats: small enough that the passes of AdamW over a buffer stay in the cache of a core. */
const BUFFER_ELEMENTS = 1 << 18

/** Assigns parameters to buffers in order; a parameter larger than a buffer gets its own, which needs no copying. */
export function planBuffers(shapes: ReadonlyMap<string, number[]>): ParameterBuffer[] {
  const buffers: (ParameterBuffer & { slots: BufferSlot[] })[] = []
  const open = new Map<boolean, ParameterBuffer & { slots: BufferSlot[] }>()
  for (const [name, shape] of shapes) {
    const size = shape.reduce((a, b) => a * b, 1)
    const decayed = shape.length > 1
    let buffer = open.get(decayed)
    if (!buffer || buffer.size + size > BUFFER_ELEMENTS) {
      buffer = { size: 0, decayed, slots: [] }
      buffers.push(buffer)
      if (size <= BUFFER_ELEMENTS) open.set(decayed, buffer)
    }
    buffer.slots.push({ name, shape, from: buffer.size, to: buffer.size + size })
    buffer.size += size
  }
  return buffers
}

/** One vector input per buffer, named `prefix.index`. */
export const bufferInputs = (buffers: readonly ParameterBuffer[], prefix: string): Node[] =>
  buffers.map((buffer, index) => input(`${prefix}.${index}`, [buffer.size]))

/** The parameters as views of their buffers, by name. */
export const parameterViews = (buffers: readonly ParameterBuffer[], vectors: readonly Node[]): Map<string, Node> =>
  new Map(
    zip(buffers, vectors).flatMap(([{ slots }, vector]) =>
      slots.map(({ name, shape, from, to }): [string, Node] => [name, reshape(slice(vector, 0, from, to), shape)]),
    ),
  )

/** Nodes by parameter name, concatenated to one vector per buffer. */
export const concatIntoBuffers = (buffers: readonly ParameterBuffer[], nodes: ReadonlyMap<string, Node>): Node[] =>
  buffers.map(({ slots }) =>
    concat(
      slots.map(({ name, from, to }) => reshape(required(nodes, name), [to - from])),
      0,
    ),
  )

/** Values by parameter name, as one checked tensor per buffer. @throws Error when a parameter is missing or has another size. */
export function writeBuffers(buffers: readonly ParameterBuffer[], weights: Weights): Tensor[] {
  return buffers.map(({ size, slots }) => {
    const vector = new Float32Array(size)
    for (const { name, from, to } of slots) {
      const values = weights.get(name)?.data
      if (values?.length !== to - from) throw new Error(`${name} must have ${to - from} values.`)
      vector.set(values, from)
    }
    return tensor(vector)
  })
}

/** Copies of the parameters in the buffers, by name. */
export const readBuffers = (buffers: readonly ParameterBuffer[], vectors: readonly Tensor[]): Weights =>
  new Map(
    zip(buffers, vectors).flatMap(([{ slots }, vector]) =>
      slots.map(({ name, shape, from, to }): [string, WeightTensor] => [
        name,
        { shape, data: vector.floats.slice(from, to) },
      ]),
    ),
  )
