import { add } from './elementwise.ts'
import { expand, reshape } from './movement.ts'
import { type Inputs, type Node, type NodesLike, scalar, topologicalOrder } from './node.ts'
import { sum } from './reduce.ts'
import { formatShape, GraphError, type Shape, sameShape, sizeFromShape } from './shape.ts'

/**
 * The gradient of the one-element value `y` with respect to each of `xs`, as graph, so gradients can be
 * differentiated again. Reverse accumulation; a value that `y` does not depend on has gradient zero.
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

/** Undoes broadcasting: sums the axes that were stretched from `shape`. */
function sumTo(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x
  const extra = x.shape.length - shape.length
  const axes = x.shape.flatMap((extent, axis) =>
    axis < extra || (shape[axis - extra] === 1 && extent !== 1) ? [axis] : [],
  )
  return reshape(sum(x, axes), shape)
}
