import { TRIAGE } from './modelFolder.ts'

/**
 * The inputs of the example's jobs. Each value was found by experiment on two cores; README.md has the measurements.
 */

/** Held-out items: 160 give an interval of ±8 points at 50 %; 128 are enough to separate real influence from chance. */
export const HELD_OUT_ITEMS = { test: 160, validation: 128 } as const

/** Fine-tuning on the accepted contributions. */
export const FINE_TUNE = { rank: 16, alpha: 32, epochs: 6, batchSize: 16, learningRate: 0.003 } as const

/** The comparisons that validators judge: a reward model needs about two hundred pairs. Every prompt is compared at most once, and `gold` of them have a right
 *  answer: the more, the clearer are the 48 gold tasks. */
export const COMPARE = {
  domain: 'support',
  tasks: 240,
  goldPercent: 20,
  temperature: 0.8,
  prompts: 288,
  gold: 96,
} as const

/** Alignment by policy gradient. */
export const RLHF = {
  method: 'rloo',
  steps: 30,
  prompts: 16,
  group: 4,
  beta: 0.5,
  supervisedWeight: 2,
  learningRate: 0.0005,
  promptPool: 256,
} as const

/** Alignment by direct preference optimisation. */
export const DPO = { ...RLHF, method: 'dpo', steps: 40, beta: 0.1, learningRate: 0.0005 } as const

/** The number of fresh prompts on which the win rate is measured, by the validators' hidden utility. */
export const WIN_RATE_PROMPTS = 200

/** The settings of one run of the story. */
export interface Recipe {
  items: { test: number; validation: number }
  /** The fraction of their samples that the contributors submit. */
  samples: number
  /** The mandate's targets, for the lower end of the interval, ppm. */
  targets: { metric: string; minimum: bigint; mayFall: boolean }[]
  fineTune: { rank: number; alpha: number; epochs: number; batchSize: number; learningRate: number }
  compare: { domain: string; tasks: number; goldPercent: number; temperature: number; prompts: number; gold: number }
  rlhf: Alignment
  /** Absent: no alignment by direct preference optimisation is compared, and no win rate is measured. */
  dpoComparison?: { dpo: Alignment; winRatePrompts: number }
  /** Calls of each consumer before the first settlement, and between the first and the second. */
  calls: readonly [number, number]
}

export interface Alignment {
  method: 'rloo' | 'dpo'
  steps: number
  prompts: number
  group: number
  beta: number
  supervisedWeight: number
  learningRate: number
  promptPool: number
}

export type Scale = 'full' | 'small'

/** The full story, and a small one that runs within a minute: the small one has too little data to learn anything and so sets no targets, but
 *  each of its stages runs on the real system. */
export const SCALES: Record<Scale, Recipe> = {
  full: {
    items: HELD_OUT_ITEMS,
    samples: 1,
    targets: TRIAGE.model.mandate.targets,
    fineTune: FINE_TUNE,
    compare: COMPARE,
    rlhf: RLHF,
    dpoComparison: { dpo: DPO, winRatePrompts: WIN_RATE_PROMPTS },
    calls: [5, 3],
  },
  small: {
    items: { test: 16, validation: 12 },
    samples: 0.16,
    targets: TRIAGE.model.mandate.targets.map(({ metric }) => ({ metric, minimum: 0n, mayFall: true })),
    fineTune: { ...FINE_TUNE, epochs: 2 },
    compare: { ...COMPARE, tasks: 24, prompts: 30, gold: 10 },
    rlhf: { ...RLHF, steps: 2, prompts: 4, group: 2, promptPool: 16 },
    calls: [1, 1],
  },
}
