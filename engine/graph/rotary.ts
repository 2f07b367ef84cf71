import { neg } from './elementwise.ts'
import { apply, type Node, type Operation } from './node.ts'
import { extentOf, formatShape, GraphError, sameShape } from './shape.ts'

const operation: Operation<null, readonly [x: Node, positions: Node, cosines: Node, sines: Node]> = {
  name: 'rotary',
  infer: ([x, positions, cosines, sines]) => {
    if (
      x.shape.length !== 3 ||
      cosines.shape.length !== 2 ||
      !sameShape(cosines.shape, sines.shape) ||
      extentOf(x.shape, 2) % (2 * extentOf(cosines.shape, 1)) !== 0
    )
      throw new GraphError(
        `rotary: values ${formatShape(x.shape)} cannot be split into heads of twice the width of the tables ${formatShape(cosines.shape)} and ${formatShape(sines.shape)}`,
      )
    if (positions.dtype !== 'i64' || !sameShape(positions.shape, x.shape.slice(0, 2)))
      throw new GraphError(
        `rotary: positions must be i64 ${formatShape(x.shape.slice(0, 2))}, not ${positions.dtype} ${formatShape(positions.shape)}`,
      )
    return { shape: x.shape, dtype: x.dtype }
  },
  // The transpose of a rotation is the rotation by the opposite angle.
  gradient: ({ inputs: [, positions, cosines, sines] }, d) => [
    rotary(d, positions, cosines, neg(sines)),
    null,
    null,
    null,
  ],
  onnx: ({ inputs }, emitter) => emitter.emit('RotaryEmbedding', inputs.map(emitter.nameOf), {}, 'com.microsoft'),
}

/**
 * Rotates every head of x (B,T,NK) by the angles of its position: the halves a and b of a head become
 * (a cos - b sin, b cos + a sin). Positions (B,T) i64 select rows of the tables (P,K/2), which have no gradient.
 */
export const rotary = (x: Node, positions: Node, cosines: Node, sines: Node): Node =>
  apply(operation, [x, positions, cosines, sines], null)
