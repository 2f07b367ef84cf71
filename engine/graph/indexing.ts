import { expand } from './movement.ts'
import { apply, type Emitter, type Node, type Operation, scalar, type ThreeInputs, type TwoInputs } from './node.ts'
import { extentOf, formatShape, GraphError, type Shape, sameShape, sizeFromShape } from './shape.ts'

const checkIndices = (name: string, indices: Node): void => {
  if (indices.dtype !== 'i32' && indices.dtype !== 'i64')
    throw new GraphError(`${name}: indices must be i32 or i64, not ${indices.dtype}`)
}

const gatherOperation: Operation<null, TwoInputs> = {
  name: 'gather',
  infer: ([table, indices]) => {
    checkIndices('gather', indices)
    if (table.shape.length === 0) throw new GraphError('gather: the table must have at least one axis')
    return { shape: [...indices.shape, ...table.shape.slice(1)], dtype: table.dtype }
  },
  gradient: ({ inputs: [table, indices] }, d) => [scatterAdd(indices, d, table.shape), null],
  onnx: ({ inputs }, emitter) => emitter.emit('Gather', inputs.map(emitter.nameOf), { axis: 0 }),
}

/** Rows of `table` (N,…) by `indices` of any shape S: (S…,…). */
export const gather = (table: Node, indices: Node): Node => apply(gatherOperation, [table, indices], null)

const scatterAddOperation: Operation<{ to: Shape }, TwoInputs> = {
  name: 'scatterAdd',
  infer: ([indices, rows], { to }) => {
    checkIndices('scatterAdd', indices)
    const expected = [...indices.shape, ...to.slice(1)]
    if (!sameShape(rows.shape, expected))
      throw new GraphError(
        `scatterAdd: rows ${formatShape(rows.shape)} for indices ${formatShape(indices.shape)} into ${formatShape(to)} must be ${formatShape(expected)}`,
      )
    return { shape: to, dtype: rows.dtype }
  },
  gradient: ({ inputs: [indices] }, d) => [null, gather(d, indices)],
  // ScatterND would be shorter, but on the CPU with two threads it has a data race for duplicate indices: wrong results without an error.
  onnx: ({ inputs: [indices, rows], shape, dtype }, emitter) => {
    const count = sizeFromShape(indices.shape)
    const width = sizeFromShape(shape.slice(1))
    const column = emitReshape(emitter.nameOf(indices), [count, 1], emitter)
    const spread = emitter.emit('Expand', [column, emitter.integers([count, width])])
    const flat = emitReshape(emitter.nameOf(rows), [count, width], emitter)
    const table = emitter.zeros([extentOf(shape, 0), width], dtype)
    const total = emitter.emit('ScatterElements', [table, spread, flat], { axis: 0, reduction: 'add' })
    return emitReshape(total, shape, emitter)
  },
}

const emitReshape = (name: string, to: Shape, emitter: Emitter): string =>
  emitter.emit('Reshape', [name, emitter.integers(to)])

/** A table of shape `to`: row i is the sum of all `rows` with index i. Indices may repeat. */
export const scatterAdd = (indices: Node, rows: Node, to: Shape): Node =>
  apply(scatterAddOperation, [indices, rows], { to })

const gatherElementsOperation: Operation<null, TwoInputs> = {
  name: 'gatherElements',
  infer: ([x, indices]) => {
    checkIndices('gatherElements', indices)
    checkLeading('gatherElements', x.shape, indices.shape)
    return { shape: indices.shape, dtype: x.dtype }
  },
  gradient: ({ inputs: [x, indices] }, d) => [scatterElements(indices, d, x.shape), null],
  onnx: ({ inputs, shape }, emitter) =>
    emitter.emit('GatherElements', inputs.map(emitter.nameOf), { axis: shape.length - 1 }),
}

function checkLeading(name: string, shape: Shape, indices: Shape): void {
  if (shape.length === 0 || !sameShape(shape.slice(0, -1), indices.slice(0, -1)))
    throw new GraphError(
      `${name}: ${formatShape(shape)} and indices ${formatShape(indices)} differ before the last axis`,
    )
}

/** Elements of the last axis by index: y[…,j] = x[…,indices[…,j]]. */
export const gatherElements = (x: Node, indices: Node): Node => apply(gatherElementsOperation, [x, indices], null)

const addElementsOperation: Operation<null, ThreeInputs> = {
  name: 'addElements',
  infer: ([x, indices, values]) => {
    checkIndices('addElements', indices)
    checkLeading('addElements', x.shape, indices.shape)
    if (!sameShape(indices.shape, values.shape))
      throw new GraphError(
        `addElements: indices ${formatShape(indices.shape)} and values ${formatShape(values.shape)} must have one shape`,
      )
    return { shape: x.shape, dtype: x.dtype }
  },
  gradient: ({ inputs: [, indices] }, d) => [d, null, gatherElements(d, indices)],
  onnx: ({ inputs, shape }, emitter) =>
    emitter.emit('ScatterElements', inputs.map(emitter.nameOf), { axis: shape.length - 1, reduction: 'add' }),
}

/** `x` plus `values` at `indices` of the last axis. Indices may repeat. */
export const addElements = (x: Node, indices: Node, values: Node): Node =>
  apply(addElementsOperation, [x, indices, values], null)

/** Zeros of shape `to` plus `values` at `indices` of the last axis. Indices may repeat. */
export const scatterElements = (indices: Node, values: Node, to: Shape): Node =>
  addElements(expand(scalar(0), to), indices, values)
