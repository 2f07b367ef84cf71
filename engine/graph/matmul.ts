import { transpose } from './arrange.ts'
import { apply, type Emitter, type Node, type Operation } from './node.ts'
import { broadcastShapes, GraphError, type Shape, show } from './shape.ts'

interface Flags {
  transposeA: boolean
  transposeB: boolean
}

const operation: Operation<Flags> = {
  name: 'matmul',
  infer: ([a, b], { transposeA, transposeB }) => {
    const describe = `${show(a!.shape)}${transposeA ? 'ᵀ' : ''} and ${show(b!.shape)}${transposeB ? 'ᵀ' : ''}`
    if (a!.dtype !== 'f32' || b!.dtype !== 'f32')
      throw new GraphError(`matmul: takes f32, not ${a!.dtype} and ${b!.dtype}`)
    if (a!.shape.length < 2 || b!.shape.length < 2) throw new GraphError(`matmul: ${describe} are not both matrices`)
    const [m, k] = lastTwo(a!.shape, transposeA)
    const [k2, n] = lastTwo(b!.shape, transposeB)
    if (k !== k2) throw new GraphError(`matmul: inner extents of ${describe} differ`)
    return {
      shape: [...broadcastShapes(`matmul of ${describe}`, a!.shape.slice(0, -2), b!.shape.slice(0, -2)), m, n],
      dtype: 'f32',
    }
  },
  // With y = a b: da = d bᵀ and db = aᵀ d; the transposed cases exchange operands instead of transposing results.
  gradient: ({ inputs: [a, b], attributes: { transposeA, transposeB } }, d) => [
    transposeA
      ? matmul(b!, d, { transposeA: transposeB, transposeB: true })
      : matmul(d, b!, { transposeB: !transposeB }),
    transposeB
      ? matmul(d, a!, { transposeA: true, transposeB: transposeA })
      : matmul(a!, d, { transposeA: !transposeA }),
  ],
  onnx: ({ inputs: [a, b], attributes: { transposeA, transposeB } }, emitter) => {
    const names = [emitter.nameOf(a!), emitter.nameOf(b!)]
    if (!transposeA && !transposeB) return emitter.emit('MatMul', names)
    const flags = { transA: Number(transposeA), transB: Number(transposeB) }
    if (a!.shape.length === 2 && b!.shape.length === 2) return emitter.emit('Gemm', names, flags)
    if (emitter.provider === 'cpu') return emitter.emit('FusedMatMul', names, flags, 'com.microsoft')
    // FusedMatMul would fall back to the CPU on WebGPU: transpose in the open there.
    return emitter.emit('MatMul', [
      transposeA ? swapLast(names[0]!, a!.shape, emitter) : names[0]!,
      transposeB ? swapLast(names[1]!, b!.shape, emitter) : names[1]!,
    ])
  },
}

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
export const matmul = (a: Node, b: Node, { transposeA = false, transposeB = false }: Partial<Flags> = {}): Node =>
  apply(operation, [a, b], { transposeA, transposeB })

/** Exchanges the last two axes. */
export const transposeLast = (x: Node): Node => transpose(x, lastAxesSwapped(x.shape.length))
