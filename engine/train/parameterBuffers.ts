import type { Weights } from '#engine/formats/weights.ts'
import { concat, input, type Node, reshape, slice, type Tensor, tensor } from '#engine/graph/index.ts'

interface BufferSlot {
  name: string
  shape: number[]
  from: number
  to: number
}

/** Several parameters laid end to end in one vector, so that the optimiser runs a few operators, not thousands. */
export interface ParameterBuffer {
  size: number
  /** Biases and norms are not decayed, as is usual. */
  decayed: boolean
  slots: readonly BufferSlot[]
}

/** About a mebibyte: small enough that AdamW's passes over a buffer stay in a core's cache. */
const BUFFER_ELEMENTS = 1 << 18

/** Fills buffers in order; a parameter larger than a buffer gets one of its own, and then costs no copying. */
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

/** The parameters as views of their buffers. */
export const parameterViews = (buffers: readonly ParameterBuffer[], vectors: readonly Node[]): Map<string, Node> =>
  new Map(
    buffers.flatMap(({ slots }, index) =>
      slots.map(({ name, shape, from, to }): [string, Node] => [
        name,
        reshape(slice(vectors[index]!, 0, from, to), shape),
      ]),
    ),
  )

/** Nodes by parameter name, laid into vectors like the buffers. */
export const concatIntoBuffers = (buffers: readonly ParameterBuffer[], nodes: ReadonlyMap<string, Node>): Node[] =>
  buffers.map(({ slots }) =>
    concat(
      slots.map(({ name, from, to }) => reshape(nodes.get(name)!, [to - from])),
      0,
    ),
  )

/** Values by parameter name, as one checked tensor per buffer. */
export function writeBuffers(buffers: readonly ParameterBuffer[], weights: Weights): Tensor[] {
  return buffers.map(({ size, slots }) => {
    const vector = new Float32Array(size)
    for (const { name, from, to } of slots) {
      const values = weights.get(name)?.data
      if (values?.length !== to - from) throw new Error(`${name} should hold ${to - from} values.`)
      vector.set(values, from)
    }
    return tensor(vector)
  })
}

/** Copies out of the buffers, by parameter name. */
export const readBuffers = (buffers: readonly ParameterBuffer[], vectors: readonly Tensor[]): Weights =>
  new Map(
    buffers.flatMap(({ slots }, index) =>
      slots.map(({ name, shape, from, to }): [string, { shape: number[]; data: Float32Array }] => [
        name,
        { shape, data: vectors[index]!.floats.slice(from, to) },
      ]),
    ),
  )
