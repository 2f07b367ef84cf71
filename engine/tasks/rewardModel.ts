// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { type LoraConfig, loraConfig, mergeAdapter } from '#engine/model/lora.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { type RewardPair, reward, rewardModel } from '#engine/train/reward.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { schedule } from '#engine/train/schedule.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { meanOf, populationVariance } from '#math/summary.ts'
import { type CheckpointOptions, runWithCheckpoints } from './checkpoints.ts'
import { encodePair, type TextPair } from './encode.ts'
import type { GeneratedAnswer } from './generate.ts'
import type { BaseModel, LoadedAdapter } from './models.ts'
import { type TaskContext, TaskError } from './task.ts'

/** A preference between two answers to one prompt. */
export interface PreferenceInput {
  prompt: string
  chosen: string
  rejected: string
  /** Weight of its loss, for example the trust in the judges. Default 1. */
  weight?: number
  /** Probability that the preference is wrong. Default 0. */
  noise?: number
}

export interface RewardPlan {
  /** Preferences that are certain: all of them are for training. */
  certain?: readonly PreferenceInput[]
  epochs: number
  batchSize: number
  learningRate: number
  rank: number
  seed: number
}

/** One of this number of pairs is held out to measure the model's accuracy. */
const HELD_OUT_EVERY = 8
/** Coefficient of the loss term that centres scores at zero. */
const CENTRING = 0.01

/** Subtracted from the reward of an answer without an end token, in standard deviations, so that answers do not grow until they are cut. */
export const MISSING_EOS_PENALTY = 1

export interface TrainedReward {
  /** Standardised scores: over the answers of the pairs, mean 0 and standard deviation 1. */
  score(texts: readonly ArrayLike<number>[], signal?: AbortSignal): Promise<number[]>
  /** Weighted share of held-out preferences that it agrees with. */
  accuracy: number
  release(): Promise<void>
}

/** Trains a reward model on the pairs: the policy's model with a new score head and its own adapter. */
export async function trainReward(
  base: BaseModel,
  policy: LoadedAdapter,
  pairs: readonly PreferenceInput[],
  plan: RewardPlan,
  checkpoint: CheckpointOptions,
  { emit, signal }: TaskContext,
): Promise<TrainedReward> {
  const seed = plan.seed
  const merged = mergeAdapter(base.weights, policy.lora, policy.weights)
  const { config, weights } = rewardModel(base.config, merged, `${seed}/reward`)
  const lora: LoraConfig = loraConfig({ rank: plan.rank })
  const examples = pairs.map((pair, index) => rewardPair(base, pair, index))
  const held = examples.filter((_, index) => index % HELD_OUT_EVERY === HELD_OUT_EVERY - 1)
  const { batchSize, epochs, certain = [] } = plan
  const known = [
    ...examples.filter((_, index) => index % HELD_OUT_EVERY !== HELD_OUT_EVERY - 1),
    ...certain.map((pair, index) => rewardPair(base, pair, index)),
  ]
  const objective = reward({ centring: CENTRING })
  const microBatch = Math.min(batchSize, 8)
  const trainer = new Trainer({ config, weights, lora, objective, seed, microBatch })
  try {
    const warmup = Math.ceil((Math.ceil(known.length / batchSize) * epochs) / 10)
    const learningRate = schedule(plan.learningRate, { warmup })
    const run = new TrainingRun(trainer, { examples: known, batchSize, epochs, learningRate })
    for await (const { step, steps, loss, metrics } of runWithCheckpoints(run, checkpoint, { signal, emit })) {
      emit({ type: 'metric', name: 'rewardLoss', step, value: loss })
      emit({ type: 'metric', name: 'rewardTrainingAccuracy', step, value: accuracyIn(metrics) })
      emit({ type: 'progress', done: step / steps, stage: 'training the reward model' })
    }
    const judged = await trainer.evaluate(held.length > 0 ? held : known, signal)
    const scorer = new SequenceScorer({ config, weights, lora, adapter: await trainer.parameters() })
    const texts = [...known, ...held].flatMap(({ chosen, rejected }) => [chosen, rejected])
    const standardise = standardiser(await scorer.scores(texts, signal))
    return {
      accuracy: accuracyIn(judged.metrics),
      score: async (rows, abort) => Array.from(await scorer.scores(rows, abort), standardise),
      release: () => scorer.release(),
    }
  } finally {
    await trainer.release()
  }
}

/** What a reward model reads: a prompt and an answer with its end token. If it is too long, the start of the prompt is cut. */
export function scoredText(base: BaseModel, pair: TextPair): number[] {
  const { prompt, completion } = encodePair(base, pair)
  return [...prompt, ...completion].slice(-base.config.max_position_embeddings)
}

/** The reward of each answer to these prompts. */
export async function rewardsOf(
  rewardModel: TrainedReward,
  base: BaseModel,
  items: readonly { prompt: string }[],
  answers: readonly GeneratedAnswer[],
  signal?: AbortSignal,
): Promise<number[]> {
  const texts = answers.map(({ text }, index) => scoredText(base, { prompt: items[index]!.prompt, completion: text }))
  const scores = await rewardModel.score(texts, signal)
  return scores.map((score, index) => (answers[index]!.finish === 'stop' ? score : score - MISSING_EOS_PENALTY))
}

function rewardPair(
  base: BaseModel,
  { prompt, chosen, rejected, weight, noise }: PreferenceInput,
  index: number,
): RewardPair {
  try {
    return {
      chosen: scoredText(base, { prompt, completion: chosen }),
      rejected: scoredText(base, { prompt, completion: rejected }),
      ...(weight !== undefined && { weight }),
      ...(noise !== undefined && { noise }),
    }
  } catch (cause) {
    throw new TaskError(`Pair ${index}: ${(cause as Error).message}`, { cause })
  }
}

function accuracyIn({ accuracy }: Readonly<Record<string, number>>): number {
  if (accuracy === undefined) throw new Error('The reward objective reports no accuracy.')
  return accuracy
}

function standardiser(scores: Float32Array): (score: number) => number {
  const mean = meanOf(scores)
  const deviation = Math.sqrt(populationVariance(scores))
  return (score) => (score - mean) / (deviation || 1)
}
