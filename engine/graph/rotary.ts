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
        `rotary: values ${formatShape(x.shape)} do not split into heads of twice the tables ${formatShape(cosines.shape)} and ${formatShape(sines.shape)}`,
      )
    if (positions.dtype !== 'i64' || !sameShape(positions.shape, x.shape.slice(0, 2)))
      throw new GraphError(
        `rotary: positions must be i64 ${formatShape(x.shape.slice(0, 2))}, not ${positions.dtype} ${formatShape(positions.shape)}`,
      )
    return { shape: x.shape, dtype: x.dtype }
  },
  // A rotation's transpose turns the other way.
  gradient: ({ inputs: [, positions, cosines, sines] }, d) => [
    rotary(d, positions, cosines, neg(sines)),
    null,
    null,
    null,
  ],
  onnx: ({ inputs }, emitter) => emitter.emit('RotaryEmbedding', inputs.map(emitter.nameOf), {}, 'com.microsoft'),
}

/**
 * Turns every head of x (B,T,NK) by the angles of its position: with halves a and b of a head, (a, b) becomes
 * (a cos - b sin, b cos + a sin). Positions (B,T) i64 choose rows of the tables (P,K/2), which are constants to the gradient.
 */
export const rotary = (x: Node, positions: Node, cosines: Node, sines: Node): Node =>
  apply(operation, [x, positions, cosines, sines], null)
