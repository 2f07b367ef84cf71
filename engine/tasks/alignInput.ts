import type { EvaluationItem } from './evaluate.ts'
import type { TrainingSample } from './fineTune.ts'
import type { PreferenceInput } from './rewardModel.ts'
import type { RubricMetric } from './rubric.ts'

export interface AlignTaskInput {
  baseFolder: string
  adapterFolder: string
  /** `dpo` trains on the pairs directly; `rloo` and `grpo` train a reward model on them and then optimise the policy for it. */
  method: 'rloo' | 'grpo' | 'dpo'
  pairs: readonly PreferenceInput[]
  /** Prompts for which the policy samples answers; `dpo` needs none. */
  prompts: readonly string[]
  /**
   * Samples on which the adapter was trained. Each update also learns from some of them, so that the policy keeps what it can do; and a
   * reward model learns from them what the fields are worth that the validation compares.
   */
  samples?: readonly TrainingSample[]
  /** Without it the result is the model of the last update. */
  validation?: AlignValidation
  training: AlignTraining
  /** The checkpoint file: the run is saved there regularly, and resumes from it if it exists. */
  checkpointFile?: string
  /** Seconds between saves. Default 5. */
  checkpointEvery?: number
  outFolder: string
}

/**
 * Held-out items, different from those of the evaluation. About ten times in a run they are answered; the result is the model with the
 * highest reward (`dpo`: the latest) among those that are in no metric significantly worse than the adapter at the start.
 */
export interface AlignValidation {
  items: readonly EvaluationItem[]
  metrics: readonly RubricMetric[]
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
  /** Weight of the supervised loss on `samples`, of which every update takes as many as prompts. Default 0. */
  supervisedWeight?: number
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
