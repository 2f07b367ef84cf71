import { transpose } from './movement.ts'
import { apply, type Emitter, type Node, type Operation, type TwoInputs } from './node.ts'
import { broadcastShapes, formatShape, GraphError, type Shape } from './shape.ts'

interface Options {
  transposeA: boolean
  transposeB: boolean
  /** Factor of the product, without a separate pass over it. */
  scale: number
}

const operation: Operation<Options, TwoInputs> = {
  name: 'matmul',
  infer: ([a, b], { transposeA, transposeB }) => {
    const describe = `${formatShape(a.shape)}${transposeA ? 'ᵀ' : ''} and ${formatShape(b.shape)}${transposeB ? 'ᵀ' : ''}`
    if (a.dtype !== 'f32' || b.dtype !== 'f32') throw new GraphError(`matmul: takes f32, not ${a.dtype} and ${b.dtype}`)
    if (a.shape.length < 2 || b.shape.length < 2) throw new GraphError(`matmul: ${describe} are not both matrices`)
    const [m, k] = lastTwo(a.shape, transposeA)
    const [k2, n] = lastTwo(b.shape, transposeB)
    if (k !== k2) throw new GraphError(`matmul: inner extents of ${describe} differ`)
    return {
      shape: [...broadcastShapes(`matmul of ${describe}`, a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n],
      dtype: 'f32',
    }
  },
  // With y = a b: da = d bᵀ and db = aᵀ d. The transposed cases swap operands instead of transposing results.
  gradient: ({ inputs: [a, b], attributes: { transposeA, transposeB, scale } }, d) => [
    transposeA
      ? matmul(b, d, { transposeA: transposeB, transposeB: true, scale })
      : matmul(d, b, { transposeB: !transposeB, scale }),
    transposeB
      ? matmul(d, a, { transposeA: true, transposeB: transposeA, scale })
      : matmul(a, d, { transposeA: !transposeA, scale }),
  ],
  onnx: (node, emitter) => {
    const { transposeA, transposeB, scale } = node.attributes
    if (isFlat(node) && (transposeA || transposeB || scale !== 1)) return emitGemm(node, null, emitter)
    const [a, b] = node.inputs
    const names = [emitter.nameOf(a), emitter.nameOf(b)] as const
    if (!transposeA && !transposeB && scale === 1) return emitter.emit('MatMul', names)
    if (emitter.provider === 'cpu') return emitter.emit('FusedMatMul', names, gemmOf(node), 'com.microsoft')
    // On WebGPU FusedMatMul would run on the CPU, so transposition and scale are separate operators there.
    const left = transposeA ? swapLast(names[0], a.shape, emitter) : names[0]
    return emitter.emit('MatMul', [
      scale === 1 ? left : emitter.emit('Mul', [left, emitter.nameOfScalar(scale)]),
      transposeB ? swapLast(names[1], b.shape, emitter) : names[1],
    ])
  },
}

const isFlat = ({ inputs }: Node): boolean => inputs.every(({ shape }) => shape.length === 2)

const gemmOf = ({ attributes: { transposeA, transposeB, scale } }: Node<Options>) => ({
  transA: Number(transposeA),
  transB: Number(transposeB),
  ...(scale !== 1 && { alpha: { float: scale } }),
})

/** A product of two matrices; Gemm can add another value in the same pass. */
export type MatrixProduct = Node<Options, TwoInputs>
export const isMatrixProduct = (node: Node): node is MatrixProduct => node.operation.name === 'matmul' && isFlat(node)

/** `node`, a product of two matrices, plus `addend`, in one operator. */
export const emitGemm = (node: MatrixProduct, addend: Node | null, emitter: Emitter): string =>
  emitter.emit('Gemm', [...node.inputs, ...(addend ? [addend] : [])].map(emitter.nameOf), gemmOf(node))

const lastTwo = (shape: Shape, swapped: boolean): [number, number] => {
  const [rows, columns] = shape.slice(-2) as [number, number]
  return swapped ? [columns, rows] : [rows, columns]
}

const swapLast = (name: string, shape: Shape, emitter: Emitter): string =>
  emitter.emit('Transpose', [name], { perm: lastAxesSwapped(shape.length) })

const lastAxesSwapped = (rank: number): number[] => [
  ...Array.from({ length: rank - 2 }, (_, axis) => axis),
  rank - 1,
  rank - 2,
]

/** Matrix product over the last two axes, batched over the leading ones: (…,M,K) x (…,K,N) -> (…,M,N). */
export const matmul = (
  a: Node,
  b: Node,
  { transposeA = false, transposeB = false, scale = 1 }: Partial<Options> = {},
): Node => apply(operation, [a, b], { transposeA, transposeB, scale })

/** Swaps the last two axes. */
export const transposeLast = (x: Node): Node => transpose(x, lastAxesSwapped(x.shape.length))
