import { type ModelConfig, smallConfig } from '#engine/model/config.ts'

/** One model and batch to fine-tune. */
export interface Case {
  config: ModelConfig
  batch: number
  length: number
  /** Steps per turn; every step is one measurement. */
  stepsPerTurn: number
  /** Target: the least ratio to PyTorch on the CPU. */
  target: number
}

export const cases: Readonly<Record<string, Case>> = {
  '1M': {
    config: smallConfig({
      vocab_size: 1024,
      hidden_size: 128,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      num_key_value_heads: 2,
    }),
    batch: 8,
    length: 64,
    stepsPerTurn: 10,
    target: 1,
  },
  '30M': {
    config: smallConfig({
      vocab_size: 8000,
      hidden_size: 512,
      num_hidden_layers: 8,
      num_attention_heads: 8,
      num_key_value_heads: 4,
    }),
    batch: 4,
    length: 128,
    stepsPerTurn: 3,
    target: 0.8,
  },
  '125M': {
    config: smallConfig({ vocab_size: 32_000, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12 }),
    batch: 2,
    length: 128,
    stepsPerTurn: 2,
    target: 0.8,
  },
}
