import { input, mul, type Node, slice } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import type { Random } from '#engine/stats/random.ts'

/** How far apart the masks of two modules lie in the pool. */
const STRIDE = 7

/**
 * Dropout before an adapter's A (PEFT's lora_dropout). The factors, 0 or 1 / (1 - rate), are drawn on the host, so that
 * a resumed run repeats them: one pool for all modules, of which each takes columns of its own starting place.
 */
export interface Dropout {
  pool: Node
  /** Scales x (rows, I) by the next module's factors. */
  drop(x: Node): Node
}

export function dropoutOf(config: ModelConfig, lora: LoraConfig, rows: number): Dropout {
  const shapes = Array.from(adapterShapes(config, lora)).filter(([name]) => name.endsWith('lora_A.weight'))
  const widest = Math.max(...shapes.map(([, [, inward]]) => inward!))
  const pool = input('dropout', [rows, widest + STRIDE * shapes.length])
  let modules = 0
  return {
    pool,
    drop: (x) => {
      const from = STRIDE * modules++
      return mul(x, slice(pool, 1, from, from + x.shape[1]!))
    },
  }
}

/** Factors for one micro-batch; the rate is met to 1 part in 65,536. */
export function drawFactors(random: Random, count: number, rate: number): Float32Array {
  const factors = new Float32Array(count)
  const [threshold, kept] = [Math.round(rate * 65_536), 1 / (1 - rate)]
  for (let i = 0; i < count; i += 2) {
    const bits = random.uint32()
    factors[i] = (bits & 0xffff) < threshold ? 0 : kept
    if (i + 1 < count) factors[i + 1] = bits >>> 16 < threshold ? 0 : kept
  }
  return factors
}
