import type { PreferenceInput } from './rewardModel.ts'

export interface AlignTaskInput {
  baseFolder: string
  adapterFolder: string
  /** `dpo` learns from the pairs directly; the others train a reward model on them and follow it with samples. */
  method: 'rloo' | 'grpo' | 'dpo'
  pairs: readonly PreferenceInput[]
  /** What the policy practises on; `dpo` needs none. */
  prompts: readonly string[]
  training: AlignTraining
  /** Where the run is saved while it goes on, and continued from when the file exists. */
  checkpointFile?: string
  /** Seconds between saves. Default 5. */
  checkpointEvery?: number
  outFolder: string
}

export interface AlignTraining {
  /** Updates of the policy. */
  steps: number
  /** Prompts (for `dpo`: pairs) of one update. */
  promptsPerStep: number
  /** Answers to one prompt, compared with each other. */
  numGenerations: number
  /** How closely the policy is held to where it began. */
  beta: number
  learningRate: number
  /** Most tokens of a sampled answer. */
  maxTokens: number
  /** Of the samples. Default 1. */
  temperature?: number
  seed: number
  /** Passes of the reward model over the pairs. Default 4. */
  rewardEpochs?: number
  /** Default 0.001. */
  rewardLearningRate?: number
}
