import type { PreferenceInput } from './rewardModel.ts'

export interface AlignTaskInput {
  baseFolder: string
  adapterFolder: string
  /** `dpo` trains on the pairs directly; `rloo` and `grpo` train a reward model on them and then optimise the policy for it. */
  method: 'rloo' | 'grpo' | 'dpo'
  pairs: readonly PreferenceInput[]
  /** Prompts for which the policy samples answers; `dpo` needs none. */
  prompts: readonly string[]
  training: AlignTraining
  /** The checkpoint file: the run is saved there regularly, and resumes from it if it exists. */
  checkpointFile?: string
  /** Seconds between saves. Default 5. */
  checkpointEvery?: number
  outFolder: string
}

export interface AlignTraining {
  /** Number of policy updates. */
  steps: number
  /** Prompts (for `dpo`: pairs) per update. */
  promptsPerStep: number
  /** Sampled answers per prompt, compared with each other. */
  numGenerations: number
  /** KL coefficient: how strongly the policy is kept near the reference. */
  beta: number
  learningRate: number
  /** Maximum number of tokens of a sampled answer. */
  maxTokens: number
  /** Sampling temperature. Default 1. */
  temperature?: number
  seed: number
  /** Epochs of reward-model training. Default 4. */
  rewardEpochs?: number
  /** Learning rate of the reward model. Default 0.001. */
  rewardLearningRate?: number
}
