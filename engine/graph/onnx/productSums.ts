import { isMatrixProduct, type MatrixProduct } from '../matmul.ts'
import type { Node } from '../node.ts'
import { type Shape, sameShape } from '../shape.ts'

/** A product of two matrices plus another value. */
export interface ProductSum {
  product: MatrixProduct
  addend: Node
}

/**
 * The sums in `order` that Gemm can compute together with a product: one term is a product of two matrices that no other
 * node uses. Nodes in `kept` are also used as outputs.
 */
export function productSums(order: readonly Node[], kept: readonly Node[]): Map<Node, ProductSum> {
  const uses = new Map<Node, number>()
  for (const node of [...order.flatMap(({ inputs }) => inputs), ...kept]) uses.set(node, (uses.get(node) ?? 0) + 1)
  const sums = new Map<Node, ProductSum>()
  for (const sum of order) {
    if (sum.operation.name !== 'add') continue
    const [a, b] = sum.inputs as [Node, Node]
    // Of two products the second, later one is absorbed.
    for (const [product, addend] of [
      [b, a],
      [a, b],
    ] as const)
      if (!sums.has(sum) && isMatrixProduct(product) && uses.get(product) === 1 && fits(addend.shape, product.shape))
        sums.set(sum, { product, addend })
  }
  return sums
}

const fits = (addend: Shape, product: Shape): boolean =>
  sameShape(addend, product) || (addend.length === 1 && addend[0] === product[1])
