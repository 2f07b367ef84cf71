import { writeAdapter } from '#engine/formats/adapter.ts'
import { adapterOf, loadAdapter, loadBase } from './models.ts'
import { alignByReward } from './policyGradient.ts'
import { alignDirectly } from './preferences.ts'
import type { PreferenceInput } from './rewardModel.ts'
import { type TaskContext, TaskError } from './task.ts'

export interface AlignInput {
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
  group: number
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

export interface AlignResult {
  adapterFolder: string
  /** What the run reached, such as `rewardAccuracy`, `rewardBefore`, `rewardAfter`, `kl`. */
  metrics: Record<string, number>
}

/** Aligns an adapter with preferences. A run that was killed and started again ends with the same bytes. */
export async function align(input: AlignInput, context: TaskContext): Promise<AlignResult> {
  const { pairs, prompts, method, outFolder } = input
  if (pairs.length === 0) throw new TaskError('There are no preferences to learn from; give at least one pair.')
  if (method !== 'dpo' && prompts.length === 0)
    throw new TaskError(`${method} samples answers to prompts; give at least one prompt.`)
  context.emit({ type: 'progress', done: 0, stage: 'loading' })
  const base = await loadBase(input.baseFolder)
  const start = await loadAdapter(base, input.adapterFolder)
  const { weights, metrics } = await (method === 'dpo' ? alignDirectly : alignByReward)(base, start, input, context)
  await writeAdapter(outFolder, adapterOf({ lora: start.lora, weights }), { replace: true })
  context.emit({ type: 'progress', done: 1, stage: 'aligned' })
  return { adapterFolder: outFolder, metrics }
}
