import { add } from './elementwise.ts'
import { expand, reshape } from './movement.ts'
import { type Inputs, type Node, type NodesLike, scalar, topologicalOrder } from './node.ts'
import { sum } from './reduce.ts'
import { formatShape, GraphError, type Shape, sameShape, sizeFromShape } from './shape.ts'

/**
 * The gradient of the one-element value `y` with respect to each of `xs`, by reverse-mode differentiation. Gradients are
 * graphs, so they can be differentiated again. The gradient is zero where `y` does not depend on a value.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { grad, input, mul, onnxRuntime, sum } from '#engine/graph/index.ts'
 *
 * const [x, w] = [input('x', [3]), input('w', [3])]
 * const loss = sum(mul(x, mul(w, w)))
 * const [dw] = grad(loss, [w])
 * const program = await onnxRuntime({ device: 'cpu' }).compile({ inputs: [x, w], outputs: { loss, dw } })
 * const results = await program.run({ x: Float32Array.of(1, 2, 3), w: Float32Array.of(1, 1, 2) })
 * assert.equal(results.loss.value, 15)
 * assert.deepEqual([...results.dw.floats], [2, 4, 12])
 * await program.release()
 * ```
 */
export function grad<X extends Inputs>(y: Node, xs: readonly [...X]): NodesLike<X> {
  if (sizeFromShape(y.shape) !== 1 || y.dtype !== 'f32')
    throw new GraphError(`grad: takes one f32 element, not ${y.dtype} ${formatShape(y.shape)}; sum it first`)
  const order = topologicalOrder([y])
  const wanted = new Set<Node>(xs)
  for (const node of order) if (node.inputs.some((input) => wanted.has(input))) wanted.add(node)

  const gradients = new Map<Node, Node>([[y, expand(scalar(1), y.shape)]])
  for (const node of order.reverse()) {
    const d = gradients.get(node)
    if (!d || !wanted.has(node) || node.inputs.length === 0) continue
    if (!node.operation.gradient) {
      if (node.dtype !== 'f32' || node.operation.name === 'argmax') continue
      throw new GraphError(`grad: ${node.operation.name} of shape ${formatShape(node.shape)} has no gradient`)
    }
    const parts = node.operation.gradient(node, d)
    node.inputs.forEach((input, index) => {
      const part = parts[index]
      if (!part || !wanted.has(input)) return
      const fitted = sumTo(part, input.shape)
      const before = gradients.get(input)
      gradients.set(input, before ? add(before, fitted) : fitted)
    })
  }
  return xs.map((x) => gradients.get(x) ?? expand(scalar(0), x.shape)) as NodesLike<X>
}

/** Reverses broadcasting: sums over the axes that were expanded from `shape`. */
function sumTo(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x
  const extra = x.shape.length - shape.length
  const axes = x.shape.flatMap((extent, axis) =>
    axis < extra || (shape[axis - extra] === 1 && extent !== 1) ? [axis] : [],
  )
  return reshape(sum(x, axes), shape)
}
