import { apply, type Node, type OneInput, type Operation } from './node.ts'
import {
  broadcastShapes,
  extentOf,
  formatShape,
  GraphError,
  resolveAxis,
  type Shape,
  sameShape,
  sizeFromShape,
} from './shape.ts'

const reshapeOperation: Operation<{ to: Shape }, OneInput> = {
  name: 'reshape',
  infer: ([x], { to }) => {
    if (sizeFromShape(to) !== sizeFromShape(x.shape))
      throw new GraphError(
        `reshape: ${formatShape(x.shape)} has ${sizeFromShape(x.shape)} elements, ${formatShape(to)} ${sizeFromShape(to)}`,
      )
    return { shape: to, dtype: x.dtype }
  },
  gradient: ({ inputs: [x] }, d) => [reshape(d, x.shape)],
  onnx: ({ inputs: [x], shape }, emitter) => emitter.emit('Reshape', [emitter.nameOf(x), emitter.integers(shape)]),
}

/** The same elements in the same order in another shape of the same size. Consecutive reshapes become one. */
export function reshape(x: Node, to: Shape): Node {
  if (sameShape(x.shape, to)) return x
  const source = (x.operation.name === 'reshape' && x.inputs[0]) || x
  return sameShape(source.shape, to) ? source : apply(reshapeOperation, [source], { to })
}

const transposeOperation: Operation<{ order: readonly number[] }, OneInput> = {
  name: 'transpose',
  infer: ([x], { order }) => {
    if (order.length !== x.shape.length || [...order].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw new GraphError(
        `transpose: ${formatShape(order)} is not a permutation of the axes of ${formatShape(x.shape)}`,
      )
    return { shape: order.map((axis) => extentOf(x.shape, axis)), dtype: x.dtype }
  },
  gradient: ({ attributes: { order } }, d) => [
    transpose(
      d,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
  onnx: ({ inputs: [x], attributes: { order } }, emitter) =>
    emitter.emit('Transpose', [emitter.nameOf(x)], { perm: order }),
}

/** Axis i of the result is axis `order[i]` of `x`. */
export const transpose = (x: Node, order: readonly number[]): Node => apply(transposeOperation, [x], { order })

const expandOperation: Operation<{ to: Shape }, OneInput> = {
  name: 'expand',
  infer: ([x], { to }) => {
    if (!sameShape(broadcastShapes('expand', x.shape, to), to))
      throw new GraphError(`expand: ${formatShape(x.shape)} cannot be expanded to ${formatShape(to)}`)
    return { shape: to, dtype: x.dtype }
  },
  gradient: (_, d) => [d],
  onnx: ({ inputs: [x], shape }, emitter) => emitter.emit('Expand', [emitter.nameOf(x), emitter.integers(shape)]),
}

/** Repeats extents of 1 (and missing leading axes) to reach the shape `to`. */
export const expand = (x: Node, to: Shape): Node => (sameShape(x.shape, to) ? x : apply(expandOperation, [x], { to }))

const sliceOperation: Operation<{ axis: number; from: number; to: number }, OneInput> = {
  name: 'slice',
  infer: ([x], { axis, from, to }) => {
    if (!(from >= 0 && from < to && to <= extentOf(x.shape, axis)))
      throw new GraphError(`slice: ${from} to ${to} is not within axis ${axis} of ${formatShape(x.shape)}`)
    return { shape: x.shape.map((extent, i) => (i === axis ? to - from : extent)), dtype: x.dtype }
  },
  gradient: ({ inputs: [x], attributes: { axis, from, to } }, d) => [pad(d, axis, from, extentOf(x.shape, axis) - to)],
  onnx: ({ inputs: [x], attributes: { axis, from, to } }, emitter) =>
    emitter.emit('Slice', [
      emitter.nameOf(x),
      emitter.integers([from]),
      emitter.integers([to]),
      emitter.integers([axis]),
    ]),
}

/** Positions `from` (included) to `to` (excluded) of one axis. */
export const slice = (x: Node, axis: number, from: number, to: number): Node =>
  from === 0 && to === x.shape[resolveAxis('slice', axis, x.shape)]
    ? x
    : apply(sliceOperation, [x], { axis: resolveAxis('slice', axis, x.shape), from, to })

const padOperation: Operation<{ axis: number; before: number; after: number }, OneInput> = {
  name: 'pad',
  infer: ([x], { axis, before, after }) => {
    if (before < 0 || after < 0) throw new GraphError(`pad: ${before} and ${after} must not be negative`)
    return { shape: x.shape.map((extent, i) => (i === axis ? extent + before + after : extent)), dtype: x.dtype }
  },
  gradient: ({ inputs: [x], attributes: { axis, before } }, d) => [
    slice(d, axis, before, before + extentOf(x.shape, axis)),
  ],
  onnx: ({ inputs: [x], attributes: { axis, before, after }, shape }, emitter) => {
    const pads = new Array<number>(2 * shape.length).fill(0)
    pads[axis] = before
    pads[shape.length + axis] = after
    return emitter.emit('Pad', [emitter.nameOf(x), emitter.integers(pads)])
  },
}

/** Zeros before and after along one axis. */
export const pad = (x: Node, axis: number, before: number, after: number): Node =>
  before === 0 && after === 0 ? x : apply(padOperation, [x], { axis: resolveAxis('pad', axis, x.shape), before, after })

const concatOperation: Operation<{ axis: number }, readonly [Node, ...Node[]]> = {
  name: 'concat',
  infer: (inputs, { axis }) => {
    const [first] = inputs
    for (const x of inputs)
      if (x.dtype !== first.dtype || !sameShape(x.shape.with(axis, 0), first.shape.with(axis, 0)))
        throw new GraphError(
          `concat: ${x.dtype} ${formatShape(x.shape)} does not fit ${first.dtype} ${formatShape(first.shape)} on axis ${axis}`,
        )
    const total = inputs.reduce((sum, x) => sum + extentOf(x.shape, axis), 0)
    return { shape: first.shape.with(axis, total), dtype: first.dtype }
  },
  gradient: ({ inputs: [first, ...rest], attributes: { axis } }, d) => {
    let from = 0
    const partOf = (x: Node): Node => slice(d, axis, from, (from += extentOf(x.shape, axis)))
    return [partOf(first), ...rest.map(partOf)]
  },
  onnx: ({ inputs, attributes: { axis } }, emitter) => emitter.emit('Concat', inputs.map(emitter.nameOf), { axis }),
}

/** The parts, one after another along one axis. */
export function concat(parts: readonly Node[], axis: number): Node {
  const [first, ...rest] = parts
  if (!first) throw new GraphError('concat: takes at least one part')
  if (rest.length === 0) return first
  return apply(concatOperation, [first, ...rest], { axis: resolveAxis('concat', axis, first.shape) })
}
