import { add, constant, matmul, mul, type Node } from '#engine/graph/index.ts'
import type { ModelConfig } from './config.ts'

/** Angular frequency of each pair of channels, (head_dim / 2). */
export function frequencies({ head_dim, rope_theta, rope_scaling }: ModelConfig): Float64Array {
  return Float64Array.from({ length: head_dim / 2 }, (_, pair) => {
    const frequency = rope_theta ** ((-2 * pair) / head_dim)
    if (!rope_scaling) return frequency
    const { factor } = rope_scaling
    if (rope_scaling.type === 'linear') return frequency / factor
    // Llama 3.1: long waves are stretched, short ones kept, those between blended.
    const turns = (rope_scaling.original_max_position_embeddings * frequency) / (2 * Math.PI)
    const { low_freq_factor: low, high_freq_factor: high } = rope_scaling
    if (turns > high) return frequency
    if (turns < low) return frequency / factor
    const blend = (turns - low) / (high - low)
    return (1 - blend) * (frequency / factor) + blend * frequency
  })
}

/** Cosines and sines of every position below `positions`: two tables (P,K) with the half width K/2 repeated. */
export function rotaryTables(config: ModelConfig, positions: number): { cosines: Node; sines: Node } {
  const { head_dim: width } = config
  const waves = frequencies(config)
  const table = (of: (angle: number) => number): Node =>
    constant(
      Float32Array.from({ length: positions * width }, (_, index) => {
        const position = Math.floor(index / width)
        // transformers multiplies in 32-bit floats; so do we, to match its logits at long range.
        return of(Math.fround(position * Math.fround(waves[(index % width) % (width / 2)]!)))
      }),
      [positions, width],
    )
  return { cosines: table(Math.cos), sines: table(Math.sin) }
}

/** The matrix (K,K) that maps a head's halves (a, b) to (-b, a). */
export function halfTurn(width: number): Node {
  const matrix = new Float32Array(width * width)
  const half = width / 2
  for (let i = 0; i < half; i++) {
    matrix[(half + i) * width + i] = -1
    matrix[i * width + half + i] = 1
  }
  return constant(matrix, [width, width])
}

/** Angles that broadcast with heads (B,T,N,K), and the matrix of `halfTurn`. */
export interface Rotation {
  cosines: Node
  sines: Node
  turn: Node
}

/**
 * Rotary position embedding (Su et al., "RoFormer", 2021) of heads (B,T,N,K), times `scale`. A half turn as matrix
 * product is one node forward and one back where slicing and joining takes seven; the scale costs nothing there.
 */
export function rotate(x: Node, { cosines, sines, turn }: Rotation, scale = 1): Node {
  const scaled = (angles: Node): Node => (scale === 1 ? angles : mul(angles, scale))
  return add(mul(x, scaled(cosines)), mul(matmul(x, turn), scaled(sines)))
}
