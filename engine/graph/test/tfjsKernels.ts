import type * as tfjs from '@tensorflow/tfjs'
import type { Node, OperationName } from '../node.ts'
import { type Dtype, extentOf, formatShape, GraphError, sizeFromShape } from '../shape.ts'

export type Tf = typeof tfjs
export type TfTensor = tfjs.Tensor

/** TensorFlow.js has no 64-bit integers; 32-bit integers represent them. */
export const TF_TYPE: Readonly<Record<Dtype, 'float32' | 'int32' | 'bool'>> = {
  f32: 'float32',
  i32: 'int32',
  i64: 'int32',
  bool: 'bool',
}

/** One operation on TensorFlow.js. */
export type Kernel = (tf: Tf, inputs: KernelInputs, node: Node) => TfTensor
/** As many as the node has inputs: at most four, except concat, which takes any number. */
export type KernelInputs = [TfTensor, TfTensor, TfTensor, TfTensor, ...TfTensor[]]

const on =
  (call: (tf: Tf, a: TfTensor, b: TfTensor, c: TfTensor) => TfTensor): Kernel =>
  (tf, [a, b, c]) =>
    call(tf, a, b, c)

const attribute = <T>(node: Node, key: string): T => (node.attributes as Record<string, unknown>)[key] as T

const reduce =
  (call: (tf: Tf, x: TfTensor, axes: number[]) => TfTensor): Kernel =>
  (tf, [x], node) =>
    call(tf, x, [...attribute<readonly number[]>(node, 'axes')])

const impossible: Kernel = (_, __, node) => {
  throw new GraphError(`${node.operation.name} of shape ${formatShape(node.shape)} runs on ONNX Runtime only`)
}

/** Flat positions in (rows, width) of per-row indices (rows, count). */
function flatPositions(tf: Tf, indices: TfTensor, width: number): TfTensor {
  const count = extentOf(indices.shape, -1)
  const rows = indices.size / count
  const starts = tf.mul(tf.reshape(tf.range(0, rows, 1, 'int32'), [rows, 1]), tf.scalar(width, 'int32'))
  return tf.reshape(tf.add(tf.reshape(indices, [rows, count]), starts), [rows * count])
}

const scatter = (tf: Tf, positions: TfTensor, values: TfTensor, to: readonly number[]): TfTensor =>
  tf.scatterND(tf.reshape(positions, [positions.size, 1]) as tfjs.Tensor2D, values, [...to] as [number])

/** The evaluator itself handles `input`, `constant`, `loop` and `item`. */
export const kernels: Record<Exclude<OperationName, 'input' | 'constant' | 'loop' | 'item'>, Kernel> = {
  add: on((tf, a, b) => tf.add(a, b)),
  sub: on((tf, a, b) => tf.sub(a, b)),
  mul: on((tf, a, b) => tf.mul(a, b)),
  div: on((tf, a, b) => tf.div(a, b)),
  pow: on((tf, a, b) => tf.pow(a, b)),
  minimum: on((tf, a, b) => tf.minimum(a, b)),
  maximum: on((tf, a, b) => tf.maximum(a, b)),
  equal: on((tf, a, b) => tf.equal(a, b)),
  less: on((tf, a, b) => tf.less(a, b)),
  lessEqual: on((tf, a, b) => tf.lessEqual(a, b)),
  and: on((tf, a, b) => tf.logicalAnd(a, b)),
  or: on((tf, a, b) => tf.logicalOr(a, b)),
  not: on((tf, a) => tf.logicalNot(a)),
  neg: on((tf, a) => tf.neg(a)),
  exp: on((tf, a) => tf.exp(a)),
  log: on((tf, a) => tf.log(a)),
  sqrt: on((tf, a) => tf.sqrt(a)),
  rsqrt: on((tf, a) => tf.rsqrt(a)),
  sigmoid: on((tf, a) => tf.sigmoid(a)),
  // Composed, because the wasm backend has neither softplus nor sign.
  softplus: on((tf, a) => tf.add(tf.relu(a), tf.log(tf.add(tf.exp(tf.neg(tf.abs(a))), 1)))),
  tanh: on((tf, a) => tf.tanh(a)),
  abs: on((tf, a) => tf.abs(a)),
  sign: on((tf, a) => tf.sub(tf.cast(tf.greater(a, 0), 'float32'), tf.cast(tf.less(a, 0), 'float32'))),
  stopGradient: on((tf, a) => tf.clone(a)),
  withGradient: on((tf, a) => tf.clone(a)),
  where: (tf, [condition, a, b], node) => {
    const spread = (x: TfTensor): TfTensor => tf.broadcastTo(x, [...node.shape])
    return tf.where(spread(condition), spread(a), spread(b))
  },
  cast: (tf, [x], node) => {
    // TensorFlow.js truncates on some backends and rounds down on others.
    const whole = x.dtype === 'float32' && node.dtype !== 'f32' ? towardsZero(tf, x) : x
    return tf.cast(whole, TF_TYPE[node.dtype])
  },
  matmul: (tf, [a, b], node) => {
    const product = tf.matMul(a, b, attribute(node, 'transposeA'), attribute(node, 'transposeB'))
    const scale = attribute<number>(node, 'scale')
    return scale === 1 ? product : tf.mul(product, scale)
  },
  reshape: (tf, [x], node) => tf.reshape(x, [...node.shape]),
  transpose: (tf, [x], node) => tf.transpose(x, [...attribute<readonly number[]>(node, 'order')]),
  expand: (tf, [x], node) => tf.broadcastTo(x, [...node.shape]),
  slice: (tf, [x], node) => {
    const [axis, from] = [attribute<number>(node, 'axis'), attribute<number>(node, 'from')]
    const begin = node.shape.map((_, at) => (at === axis ? from : 0))
    return tf.slice(x, begin, [...node.shape])
  },
  pad: (tf, [x], node) => {
    const ends: [number, number] = [attribute(node, 'before'), attribute(node, 'after')]
    const axis = attribute<number>(node, 'axis')
    return tf.pad(
      x,
      node.shape.map((_, at): [number, number] => (at === axis ? ends : [0, 0])),
    )
  },
  concat: (tf, parts, node) => tf.concat(parts, attribute(node, 'axis')),
  sum: reduce((tf, x, axes) => tf.sum(x, axes, true)),
  mean: reduce((tf, x, axes) => tf.mean(x, axes, true)),
  max: reduce((tf, x, axes) => tf.max(x, axes, true)),
  argmax: on((tf, x) => tf.argMax(x, -1)),
  cumsum: (tf, [x], node) => tf.cumsum(x, node.shape.length - 1),
  softmax: on((tf, x) => tf.softmax(x)),
  logSoftmax: on((tf, x) => {
    const shifted = tf.sub(x, tf.max(x, -1, true))
    return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), -1, true)))
  }),
  gather: on((tf, table, indices) => tf.gather(table, indices as tfjs.Tensor1D, 0)),
  scatterAdd: (tf, [indices, rows], node) => {
    const width = sizeFromShape(node.shape.slice(1))
    const flat = tf.reshape(rows, [indices.size, width])
    return tf.reshape(scatter(tf, tf.reshape(indices, [indices.size]), flat, [extentOf(node.shape, 0), width]), [
      ...node.shape,
    ])
  },
  gatherElements: (tf, [x, indices], node) => {
    const positions = flatPositions(tf, indices, extentOf(x.shape, -1))
    return tf.reshape(tf.gather(tf.reshape(x, [x.size]), positions as tfjs.Tensor1D), [...node.shape])
  },
  addElements: (tf, [x, indices, values], node) => {
    const positions = flatPositions(tf, indices, extentOf(node.shape, -1))
    const flat = scatter(tf, positions, tf.reshape(values, [values.size]), [sizeFromShape(node.shape)])
    return tf.add(x, tf.reshape(flat, [...node.shape]))
  },
  rotary: (tf, [x, positions, cosines, sines], node) => {
    const [batch, length, width] = node.shape as [number, number, number]
    const half = extentOf(cosines.shape, 1)
    const angles = (table: TfTensor) =>
      tf.reshape(tf.gather(table, tf.reshape(positions, [batch * length]) as tfjs.Tensor1D), [batch, length, 1, half])
    const [cos, sin] = [angles(cosines), angles(sines)]
    const [a, b] = tf.split(tf.reshape(x, [batch, length, width / (2 * half), 2 * half]), 2, -1) as [TfTensor, TfTensor]
    const turned = [tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))]
    return tf.reshape(tf.concat(turned, -1), [...node.shape])
  },
  custom: impossible,
}

const towardsZero = (tf: Tf, x: TfTensor): TfTensor => tf.where(tf.less(x, 0), tf.ceil(x), tf.floor(x))
