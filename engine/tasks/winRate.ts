// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { type EvaluationItem, type MetricScore, summariseMetric } from './evaluate.ts'
import { answerPrompts } from './generate.ts'
import { type LoadedAdapter, loadAdapter, loadBase } from './models.ts'
import { type PreferenceInput, rewardsOf, trainReward } from './rewardModel.ts'
import { runIdentity } from './runIdentity.ts'
import { stageContext, type TaskContext, TaskError } from './task.ts'

export interface WinRateTaskInput {
  baseFolder: string
  adapterFolder: string
  /** The adapter over which it wins. */
  againstFolder: string
  /** Their prompts are answered. */
  items: readonly Pick<EvaluationItem, 'prompt'>[]
  /** What people preferred. */
  pairs: readonly PreferenceInput[]
  maxTokens: number
  seed: number
}

const REWARD = { epochs: 4, batchSize: 16, learningRate: 1e-3, rank: 8 }

/** How often an adapter's greedy answers are preferred to those of another, with a 95 % interval over the items; equal scores count half. A reward model judges that
 *  is trained for this alone, on the pairs and with the seed of this measurement: an alignment has optimised another one, although for the same pairs. */
export async function winRateTask(input: WinRateTaskInput, context: TaskContext): Promise<MetricScore> {
  const { items, pairs, seed } = input
  if (items.length === 0) throw new TaskError('There are no items to answer; give at least one.')
  if (pairs.length === 0) throw new TaskError('There are no preferences to judge by; give at least one pair.')
  const base = await loadBase(input.baseFolder)
  const against = await loadAdapter(base, input.againstFolder)
  const own = await loadAdapter(base, input.adapterFolder)
  const checkpoint = { identity: runIdentity(base, against, { pairs, seed }) }
  const judge = await trainReward(base, against, pairs, { ...REWARD, seed }, checkpoint, stageContext(context, 0, 0.5))
  const requests = items.map(({ prompt }, index) => ({ prompt, maxTokens: input.maxTokens, seed: `${seed}/${index}` }))
  const rewards = async (adapter: LoadedAdapter, from: number) => {
    const answers = await answerPrompts(base, adapter, requests, stageContext(context, from, from + 0.25))
    return rewardsOf(judge, base, items, answers, context.signal)
  }
  try {
    const [before, after] = [await rewards(against, 0.5), await rewards(own, 0.75)]
    const wins = after.map((reward, index) => (reward > before[index]! ? 1 : reward === before[index]! ? 0.5 : 0))
    return summariseMetric({ name: 'winRate', kind: 'exact' }, wins, undefined)
  } finally {
    await judge.release()
  }
}
