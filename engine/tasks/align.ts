import { writeAdapter } from '#engine/formats/adapter.ts'
import type { AlignTaskInput } from './alignInput.ts'
import { adapterOf, loadAdapter, loadBase } from './models.ts'
import { alignByReward } from './policyGradient.ts'
import { alignDirectly } from './preferences.ts'
import { type TaskContext, TaskError } from './task.ts'

export interface AlignTaskResult {
  adapterFolder: string
  /** Final metrics, such as `rewardAccuracy`, `rewardBefore`, `rewardAfter`, `kl`. */
  metrics: Record<string, number>
}

/** Aligns an adapter with preferences. A run that was killed and restarted produces the same bytes. */
export async function alignTask(input: AlignTaskInput, context: TaskContext): Promise<AlignTaskResult> {
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
