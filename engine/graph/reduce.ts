import { cast, div, equal, mul } from './elementwise.ts'
import { expand } from './movement.ts'
import { apply, type Emitter, type Node, type OneInput, type Operation } from './node.ts'
import { extentOf, GraphError, resolveAxis, type Shape, sizeFromShape } from './shape.ts'

interface Axes {
  axes: readonly number[]
}

const reduction = (
  name: 'sum' | 'mean' | 'max',
  onnx: string,
  gradient: (x: Node, result: Node, d: Node, axes: readonly number[]) => Node,
): ((x: Node, axes?: readonly number[]) => Node) => {
  const operation: Operation<Axes, OneInput> = {
    name,
    infer: ([x], { axes }) => {
      if (x.dtype !== 'f32') throw new GraphError(`${name}: takes f32, not ${x.dtype}; cast it`)
      return { shape: keptAxes(x.shape, axes), dtype: x.dtype }
    },
    gradient: (node, d) => [gradient(node.inputs[0], node, d, node.attributes.axes)],
    onnx: ({ inputs: [x], attributes: { axes } }, emitter) =>
      emitter.emit(onnx, [emitter.nameOf(x), emitter.integers(axes)], { keepdims: 1 }),
  }
  return (x, axes = x.shape.map((_, axis) => axis)) =>
    axes.length === 0
      ? x
      : apply(operation, [x], { axes: axes.map((axis) => resolveAxis(name, axis, x.shape)).sort((a, b) => a - b) })
}

const keptAxes = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))

/** Sum over `axes` (default: all); reduced axes keep extent 1. */
export const sum = reduction('sum', 'ReduceSum', (x, _r, d) => expand(d, x.shape))
/** Mean over `axes` (default: all); reduced axes keep extent 1. */
export const mean = reduction('mean', 'ReduceMean', (x, result, d) =>
  expand(mul(d, sizeFromShape(result.shape) / sizeFromShape(x.shape)), x.shape),
)
/** Maximum over `axes` (default: all); equal maxima share the gradient equally. */
export const max = reduction('max', 'ReduceMax', (x, result, d, axes) => {
  const hit = cast(equal(x, result), 'f32')
  return mul(hit, div(d, sum(hit, axes)))
})

const argmaxOperation: Operation<null, OneInput> = {
  name: 'argmax',
  infer: ([x]) => ({ shape: x.shape.slice(0, -1), dtype: 'i32' }),
  onnx: (node, emitter) => {
    const x = emitter.nameOf(node.inputs[0])
    const to = emitter.onnxType('i32')
    if (emitter.provider !== 'webgpu')
      return emitter.emit('Cast', [emitter.emit('ArgMax', [x], { axis: -1, keepdims: 0 })], { to })
    return emitter.emit('Cast', [firstLargest(x, node.inputs[0].shape, emitter)], { to })
  },
}

/** The index of the first largest element, in floats: ArgMax gives int64, which WebGPU cannot cast. */
function firstLargest(x: string, shape: Shape, emitter: Emitter): string {
  const width = extentOf(shape, -1)
  const axis = emitter.integers([shape.length - 1])
  const indices = emitter.floats(Array.from({ length: width }, (_, index) => index))
  const largest = emitter.emit('Equal', [x, emitter.emit('ReduceMax', [x, axis], { keepdims: 1 })])
  const candidates = emitter.emit('Where', [largest, indices, emitter.nameOfScalar(width)])
  return emitter.emit('ReduceMin', [candidates, axis], { keepdims: 0 })
}

/** Index (i32) of the first largest element along the last axis, which is removed. */
export const argmax = (x: Node): Node => apply(argmaxOperation, [x], null)

const cumsumOperation: Operation<null, OneInput> = {
  name: 'cumsum',
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  onnx: ({ inputs: [x], shape }, emitter) =>
    emitter.emit('CumSum', [emitter.nameOf(x), emitter.integers([shape.length - 1], true)]),
}

/** Inclusive cumulative sum along the last axis. */
export const cumsum = (x: Node): Node => apply(cumsumOperation, [x], null)
