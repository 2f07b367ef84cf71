import {
  apply,
  type Emitter,
  type Inputs,
  input,
  type LoopAttributes,
  type Node,
  type NodesLike,
  type OneInput,
  type OnnxAttributes,
  type Operation,
  type Signature,
} from './node.ts'
import { formatShape, GraphError, sameShape } from './shape.ts'

interface OwnGradient {
  rule: (d: Node) => readonly (Node | null)[]
}

const withGradientOperation: Operation<OwnGradient, readonly [Node, ...Node[]]> = {
  name: 'withGradient',
  infer: ([value]) => ({ shape: value.shape, dtype: value.dtype }),
  gradient: ({ attributes: { rule } }, d) => [null, ...rule(d)],
  onnx: ({ inputs: [value] }, emitter) => emitter.nameOf(value),
}

/**
 * `value` with the gradient given by `rule` instead of the derived one: `rule(d)` returns the gradient for each of `inputs`,
 * in order. For formulas whose closed-form gradient is cheaper.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { grad, input, mul, onnxRuntime, sum, withGradient } from '#engine/graph/index.ts'
 *
 * const x = input('x', [2])
 * const square = withGradient(mul(x, x), [x], (d) => [mul(d, mul(2, x))])
 * const [dx] = grad(sum(square), [x])
 * const program = await onnxRuntime({ device: 'cpu' }).compile({ inputs: [x], outputs: { dx } })
 * const result = await program.run({ x: Float32Array.of(3, -1) })
 * assert.deepEqual([...result.dx.floats], [6, -2])
 * await program.release()
 * ```
 */
export const withGradient = (value: Node, inputs: readonly Node[], rule: OwnGradient['rule']): Node =>
  apply(withGradientOperation, [value, ...inputs], { rule })

const itemOperation: Operation<Signature & { index: number }, OneInput> = {
  name: 'item',
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  onnx: ({ inputs: [source], attributes: { index } }, emitter) => resultOf(source, index, emitter),
}

function resultOf(source: Node, index: number, emitter: Emitter): string {
  const name = emitter.resultsOf(source)[index]
  if (name === undefined) throw new GraphError(`${source.operation.name} has no result ${index}`)
  return name
}

/** One result of a node that has several. */
const item = (source: Node, index: number, signature: Signature): Node =>
  apply(itemOperation, [source], { index, shape: signature.shape, dtype: signature.dtype })

export interface CustomAttributes {
  type: string
  domain: string
  attributes: OnnxAttributes
  results: readonly Signature[]
  /** For each input of the operator, whether it is present; ONNX writes '' for an absent optional input. */
  given: readonly boolean[]
}

const customOperation: Operation<CustomAttributes> = {
  name: 'custom',
  infer: (_, { results: [first] }) => {
    if (!first) throw new GraphError('custom: an operator has at least one result')
    return { shape: first.shape, dtype: first.dtype }
  },
  onnx: (node, emitter) => resultOf(node, 0, emitter),
}

/**
 * Any ONNX operator, by its type and domain. The caller states the signatures of its results; null is an absent optional
 * input. It has no gradient and runs only on ONNX Runtime.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { constant, custom, input, onnxRuntime } from '#engine/graph/index.ts'
 *
 * const x = input('x', [4])
 * const k = constant(BigInt64Array.of(2n), [1])
 * const [values, positions] = custom('TopK', [x, k], [
 *   { shape: [2], dtype: 'f32' },
 *   { shape: [2], dtype: 'i64' },
 * ])
 * const program = await onnxRuntime({ device: 'cpu' }).compile({ inputs: [x], outputs: { values, positions } })
 * const top = await program.run({ x: Float32Array.of(1, 9, 3, 7) })
 * assert.deepEqual(top.positions.numbers, [1, 3])
 * await program.release()
 * ```
 */
export function custom<R extends readonly Signature[]>(
  type: string,
  inputs: readonly (Node | null)[],
  results: readonly [...R],
  { attributes = {}, domain = '' }: { attributes?: OnnxAttributes; domain?: string } = {},
): NodesLike<R> {
  const given = inputs.map((node) => node !== null)
  const present = inputs.filter((node) => node !== null)
  const source = apply(customOperation, present, { type, domain, attributes, results, given })
  return results.map((signature, index) => item(source, index, signature)) as NodesLike<R>
}

const loopOperation: Operation<LoopAttributes> = {
  name: 'loop',
  infer: () => ({ shape: [], dtype: 'bool' }),
  onnx: (node, emitter) => resultOf(node, 0, emitter),
}

export interface LoopBody<C extends Inputs = Inputs, R extends Inputs = Inputs> {
  /** The next values of the carried state, of unchanged shapes. */
  carried: NodesLike<C>
  /** Values stacked over the iterations, one row each. */
  collected?: readonly [...R]
  /** Boolean scalar: false ends the loop after this iteration, which is then the last collected row. */
  proceed?: Node
}

let bodies = 0

/**
 * Runs `body` up to `trips` times (i64 scalar, at most `limit`) inside the graph, so that many decoding steps are one call.
 * Returns the final carried values and the collected values (limit, …); a run that ends early returns fewer rows.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { input, loop, mul, onnxRuntime } from '#engine/graph/index.ts'
 *
 * const trips = input('trips', [], 'i64')
 * const start = input('start', [])
 * const { carried, collected } = loop({ trips, limit: 8, carried: [start] }, (_, [x]) => {
 *   const doubled = mul(x, 2)
 *   return { carried: [doubled], collected: [doubled] }
 * })
 * const program = await onnxRuntime({ device: 'cpu' }).compile({
 *   inputs: [trips, start],
 *   outputs: { last: carried[0], all: collected[0] },
 * })
 * const { last, all } = await program.run({ trips: 3, start: 1 })
 * assert.equal(last.value, 8)
 * assert.deepEqual([...all.floats], [2, 4, 8])
 * await program.release()
 * ```
 */
export function loop<C extends Inputs, R extends Inputs = []>(
  { trips, limit, carried }: { trips: Node; limit: number; carried: readonly [...C] },
  body: (iteration: Node, carried: NodesLike<C>) => LoopBody<C, R>,
): { carried: NodesLike<C>; collected: NodesLike<R> } {
  if (trips.dtype !== 'i64' || trips.shape.length > 0)
    throw new GraphError(`loop: trips must be an i64 scalar, not ${trips.dtype} ${formatShape(trips.shape)}`)
  const tag = `body${bodies++}`
  const iteration = input(`${tag}.iteration`, [], 'i64')
  const carriedIn = carried.map((node, index) => input(`${tag}.${index}`, node.shape, node.dtype))
  const result: LoopBody = body(iteration, carriedIn as NodesLike<C>)
  const { carried: carriedOut, collected = [], proceed = null } = result
  if (carriedOut.length !== carried.length)
    throw new GraphError(`loop: the body returns ${carriedOut.length} carried values instead of ${carried.length}`)
  carried.forEach((before, index) => {
    const node = carriedOut[index]
    if (node && (!sameShape(node.shape, before.shape) || node.dtype !== before.dtype))
      throw new GraphError(
        `loop: carried value ${index} enters as ${before.dtype} ${formatShape(before.shape)} and leaves as ${node.dtype} ${formatShape(node.shape)}`,
      )
  })
  if (proceed && (proceed.dtype !== 'bool' || proceed.shape.length > 0))
    throw new GraphError(`loop: proceed must be a bool scalar, not ${proceed.dtype} ${formatShape(proceed.shape)}`)
  const source = apply(loopOperation, [trips, ...carried], { iteration, carriedIn, carriedOut, collected, proceed })
  return {
    carried: carriedOut.map((node, index) => item(source, index, node)) as NodesLike<C>,
    collected: collected.map((node, index) =>
      item(source, carriedOut.length + index, { shape: [limit, ...node.shape], dtype: node.dtype }),
    ) as NodesLike<R>,
  }
}
