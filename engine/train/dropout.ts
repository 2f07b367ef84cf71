import { extentOf, input, mul, type Node, slice } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import type { Random } from '#math/random.ts'

/** Distance in columns between the masks of two modules in the pool. */
const STRIDE = 7

/**
 * Dropout of the input of an adapter's A (PEFT's lora_dropout). The factors, 0 or 1 / (1 - rate), are drawn on the host,
 * so that a resumed run repeats them. All modules share one pool of factors; each uses other columns of it.
 */
export interface Dropout {
  pool: Node
  /** Multiplies x (rows, I) by the factors of the next module. */
  drop(x: Node): Node
}

/** The shape of the pool for `rows` rows of tokens. */
export function dropoutPoolShape(config: ModelConfig, lora: LoraConfig, rows: number): [number, number] {
  const shapes = Array.from(adapterShapes(config, lora)).filter(([name]) => name.endsWith('lora_A.weight'))
  const widest = Math.max(...shapes.map(([, [, inputSize]]) => inputSize))
  return [rows, widest + STRIDE * shapes.length]
}

export function dropoutOf(config: ModelConfig, lora: LoraConfig, rows: number): Dropout {
  const pool = input('dropout', dropoutPoolShape(config, lora, rows))
  let modules = 0
  return {
    pool,
    drop: (x) => {
      const from = STRIDE * modules++
      return mul(x, slice(pool, 1, from, from + extentOf(x.shape, 1)))
    },
  }
}

/** Factors for one micro-batch; the precision of the rate is 1 / 65,536. */
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
