import { add, matmul, type Node, reshape, slice } from '#engine/graph/index.ts'

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

/** The name that the joined As of several maps go by. */
export const joinedLoraPath = (paths: readonly string[]): string => paths.join('+')

/**
 * What low-rank adapters of maps that read the same x (BT,I) add: scale · B A x (Hu et al., "LoRA", 2021), (BT,O) each.
 * With A [n·r,I], those of the n maps one below the other, and B [O,r], all rows share them; with A (B,n·r,I) and
 * B (B,O,r), each of the `batch` rows has its own.
 */
export function loraUpdates(x: Node, a: Node, bs: readonly Node[], scale: number, batch: number): Node[] {
  const [rows, inward] = x.shape as [number, number]
  const apart = a.shape.length === 2 ? x : reshape(x, [batch, rows / batch, inward])
  const inner = matmul(apart, a, { transposeB: true }) // (BT,n·r) or (B,T,n·r)
  return bs.map((b, index) => {
    const [out, rank] = b.shape.slice(-2) as [number, number]
    const own = slice(inner, -1, index * rank, (index + 1) * rank)
    return reshape(matmul(own, b, { transposeB: true, scale }), [rows, out])
  })
}
