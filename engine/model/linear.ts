import { add, matmul, type Node, reshape } from '#engine/graph/index.ts'

export type NodeMap = ReadonlyMap<string, Node>

export function required(nodes: NodeMap, name: string): Node {
  const node = nodes.get(name)
  if (!node) throw new Error(`The model needs a weight ${name}.`)
  return node
}

/** x (…,I) times a weight [O,I] as Hugging Face stores it: (…,O). Leading axes are flattened into one product. */
export function linear(x: Node, weight: Node, bias?: Node): Node {
  const [out, from] = weight.shape as [number, number]
  const rows = x.shape.slice(0, -1)
  const flat = reshape(x, [rows.reduce((a, b) => a * b, 1), from])
  const y = reshape(matmul(flat, weight, { transposeB: true }), [...rows, out])
  return bias ? add(y, bias) : y
}

/**
 * What a low-rank adapter adds to x (BT,I): scale · B A x (Hu et al., "LoRA", 2021), (BT,O). With A [r,I] and B [O,r]
 * all rows share it; with A (B,r,I) and B (B,O,r), each of the `batch` rows has its own.
 */
export function lowRank(x: Node, a: Node, b: Node, scale: number, batch: number): Node {
  const [rows, inward] = x.shape as [number, number]
  const apart = a.shape.length === 2 ? x : reshape(x, [batch, rows / batch, inward])
  const inner = matmul(apart, a, { transposeB: true }) // (BT,r) or (B,T,r)
  return reshape(matmul(inner, b, { transposeB: true, scale }), [rows, b.shape.at(-2)!])
}
