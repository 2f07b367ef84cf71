import type { Weights } from '#engine/formats/weights.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { initialAdapter, type LoraConfig, loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { Random } from '#math/random.ts'

/** Random weights whose next tokens are far from uniform: `scale` times the initial ones. */
export function decisiveWeights(config: ModelConfig, scale: number): Weights {
  const weights = initialWeights(config, 3)
  for (const { data } of weights.values()) data.set(data.map((value) => value * scale))
  return weights
}

/** Adapters of rank 2 that each change the answers in another way. */
export function differentAdapters(config: ModelConfig, count: number): { lora: LoraConfig; adapters: Weights[] } {
  const lora = loraConfig({ rank: 2 })
  const adapters = Array.from({ length: count }, (_, index) => {
    const adapter = initialAdapter(config, lora, index + 1)
    const random = new Random(`b${index + 1}`)
    for (const [name, { data }] of adapter) if (name.includes('lora_B')) random.fillUniform(data, -0.5, 0.5)
    return adapter
  })
  return { lora, adapters }
}
