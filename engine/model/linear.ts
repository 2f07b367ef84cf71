import { add, matmul, type Node, reshape, slice } from '#engine/graph/index.ts'

export type NodeMap = ReadonlyMap<string, Node>

export function required(nodes: NodeMap, name: string): Node {
  const node = nodes.get(name)
  if (!node) throw new Error(`The model needs the weight ${name}.`)
  return node
}

/** x (…,I) times a weight [O,I] as Hugging Face stores it: (…,O). Leading axes are flattened, so it is one product. */
export function linear(x: Node, weight: Node, bias?: Node): Node {
  const [out, from] = weight.shape as [number, number]
  const rows = x.shape.slice(0, -1)
  const flat = reshape(x, [rows.reduce((a, b) => a * b, 1), from])
  const y = reshape(matmul(flat, weight, { transposeB: true }), [...rows, out])
  return bias ? add(y, bias) : y
}

/** The name of the joined A matrices of several projections. */
export const joinedLoraPath = (paths: readonly string[]): string => paths.join('+')

/**
 * The updates scale · B A x (Hu et al., "LoRA", 2021) of n projections that read the same x (BT,I): (BT,O) each, by path.
 * A contains the A matrices of the projections, one below the other. With A [n·r,I] and B [O,r] all rows share the
 * adapter; with A (B,n·r,I) and B (B,O,r) each of the `batch` rows has its own.
 */
export function loraUpdates(
  x: Node,
  a: Node,
  bs: readonly (readonly [path: string, b: Node])[],
  scale: number,
  batch: number,
): [path: string, update: Node][] {
  const [rows, inputSize] = x.shape as [number, number]
  const byRow = a.shape.length === 2 ? x : reshape(x, [batch, rows / batch, inputSize])
  const inner = matmul(byRow, a, { transposeB: true }) // (BT,n·r) or (B,T,n·r)
  return bs.map(([path, b], index) => {
    const [out, rank] = b.shape.slice(-2) as [number, number]
    const own = slice(inner, -1, index * rank, (index + 1) * rank)
    return [path, reshape(matmul(own, b, { transposeB: true, scale }), [rows, out])]
  })
}
