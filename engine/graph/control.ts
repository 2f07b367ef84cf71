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
 * `value`, differentiated by `rule` instead of by the steps that computed it: `rule(d)` gives the gradient for each
 * of `inputs`, in order. For formulas whose closed-form gradient is cheaper than the derived one.
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
  /** For each input of the operator, whether it is given; ONNX names an optional one that is not ''. */
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
 * Any ONNX operator, by its type and domain, with the signatures of its results stated by the caller; null stands for
 * an optional input that is left out. It has no gradient and runs on ONNX Runtime only.
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
  /** Boolean scalar: false ends the loop after this iteration, and the collected rows end there too. */
  proceed?: Node
}

let bodies = 0

/**
 * Runs `body` up to `trips` times (i64 scalar; at most `limit`) inside the graph, so that a whole decode is one call.
 * Returns the final carried values and the collected ones, (limit, …); a shorter run returns fewer rows.
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
    throw new GraphError(`loop: the body returns ${carriedOut.length} carried values for ${carried.length}`)
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
