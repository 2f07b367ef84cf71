import { constant, type Node, rotary } from '#engine/graph/index.ts'
import type { ModelConfig } from './config.ts'

/** Angular frequency of each pair of channels, (head_dim / 2). */
export function frequencies({ head_dim, rope_theta, rope_scaling }: ModelConfig): Float64Array {
  return Float64Array.from({ length: head_dim / 2 }, (_, pair) => {
    const frequency = rope_theta ** ((-2 * pair) / head_dim)
    if (!rope_scaling) return frequency
    const { factor } = rope_scaling
    if (rope_scaling.type === 'linear') return frequency / factor
    // Llama 3.1: low frequencies are scaled, high ones unchanged, those between are interpolated.
    const turns = (rope_scaling.original_max_position_embeddings * frequency) / (2 * Math.PI)
    const { low_freq_factor: low, high_freq_factor: high } = rope_scaling
    if (turns > high) return frequency
    if (turns < low) return frequency / factor
    const blend = (turns - low) / (high - low)
    return (1 - blend) * (frequency / factor) + blend * frequency
  })
}

/** Cosines and sines of all positions below `positions`, by pair of channels: two tables (P,K/2). */
export function rotaryTables(config: ModelConfig, positions: number): { cosines: Node; sines: Node } {
  const waves = frequencies(config)
  const half = waves.length
  const table = (of: (angle: number) => number): Node => {
    const data = new Float32Array(positions * half)
    for (const [pair, wave] of waves.entries())
      for (let position = 0; position < positions; position++)
        // In 32-bit floats as transformers does it, so that logits agree at large positions.
        data[position * half + pair] = of(Math.fround(position * Math.fround(wave)))
    return constant(data, [positions, half])
  }
  return { cosines: table(Math.cos), sines: table(Math.sin) }
}

/** The tables of all angles, and the positions (B,T) of the tokens, i64. */
export interface Rotation {
  cosines: Node
  sines: Node
  positions: Node
}

/** Rotary position embedding (Su et al., "RoFormer", 2021) of all heads of queries or keys (B,T,NK). */
export const rotate = (x: Node, { positions, cosines, sines }: Rotation): Node => rotary(x, positions, cosines, sines)
