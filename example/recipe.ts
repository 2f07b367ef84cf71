/**
 * What the example's jobs are asked for. Each figure was found by experiment on two cores; README.md has the measurements.
 */

/** Held-out items: 160 give an interval of ±8 points at 50 %; 64 are enough for the standard errors of influence. */
export const ITEMS = { test: 160, validation: 64 } as const

/** Fine-tuning on the accepted contributions. */
export const FINE_TUNE = { rank: 16, alpha: 32, epochs: 6, batchSize: 8, learningRate: 0.0025 } as const

/** Comparisons that validators judge: a reward model needs about two hundred pairs. */
export const COMPARE = { domain: 'support', tasks: 240, goldPercent: 20, temperature: 0.8, prompts: 192 } as const

/** Alignment by policy gradient. */
export const RLHF = {
  method: 'rloo',
  steps: 30,
  prompts: 16,
  group: 4,
  beta: 0.05,
  learningRate: 0.0005,
  practice: 256,
} as const

/** The same by direct preferences. */
export const DPO = { ...RLHF, method: 'dpo', steps: 40, beta: 0.1, learningRate: 0.0005 } as const

/** Fresh prompts on which the win rate is measured, by the validators' hidden utility. */
export const WIN_RATE_PROMPTS = 150
