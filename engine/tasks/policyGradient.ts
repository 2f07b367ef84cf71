// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Weights } from '#engine/formats/weights.ts'
import type { Generator } from '#engine/generate/generator.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { groupRelativeAdvantages, grpo, leaveOneOutAdvantages, rloo } from '#engine/train/policy.ts'
import { PolicyRun, type SampledCompletion } from '#engine/train/policyRun.ts'
import { schedule } from '#engine/train/schedule.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { meanOf, sumOf } from '#math/summary.ts'
import type { AlignTaskInput } from './alignInput.ts'
import { runWithCheckpoints } from './checkpoints.ts'
import { encodePrompt } from './encode.ts'
import { fieldPairs } from './fieldPairs.ts'
import { toExamples } from './fineTune.ts'
import { type BaseModel, generatorOf, type LoadedAdapter } from './models.ts'
import { MISSING_EOS_PENALTY, rewardsOf, type TrainedReward, trainReward } from './rewardModel.ts'
import { runIdentity } from './runIdentity.ts'
import { stageContext, type TaskContext, TaskError } from './task.ts'
import { withValidation } from './validation.ts'

interface Prompt {
  ids: number[]
}

/** Maximum number of prompts on which the policy is compared before and after. */
const MAX_PROBES = 64

/** Trains a reward model on the pairs and on what the samples tell of their fields, then the policy on its own answers with RLOO or GRPO, and on
 *  the samples. */
export async function alignByReward(
  base: BaseModel,
  start: LoadedAdapter,
  input: AlignTaskInput,
  context: TaskContext,
): Promise<{ weights: Weights; metrics: Record<string, number> }> {
  const { config, weights } = base
  const { lora } = start
  const { method, pairs, samples = [], validation, training, checkpointFile: file, checkpointEvery: every } = input
  const { steps, numGenerations, promptsPerStep, beta, seed, maxTokens, temperature = 1, supervisedWeight } = training
  const { signal } = context
  const prompts = input.prompts.map((text, index) => promptOf(base, text, index))
  const plan = {
    epochs: training.rewardEpochs ?? 4,
    batchSize: 16,
    learningRate: training.rewardLearningRate ?? 1e-3,
    rank: 8,
    seed,
    certain: fieldPairs(samples, validation?.metrics ?? [], seed),
  }
  const identity = runIdentity(base, start, { method, pairs, prompts: input.prompts, samples, validation, training })
  const rewardCheckpoint = { file: file === undefined ? undefined : `${file}.reward`, every, identity }
  const rewardModel = await trainReward(base, start, pairs, plan, rewardCheckpoint, stageContext(context, 0.02, 0.25))
  const generator = generatorOf(base, lora)
  const reference = new SequenceScorer({ config, weights, lora, adapter: start.weights })
  const objective = method === 'rloo' ? rloo({ klWeight: beta }) : grpo({ klWeight: beta })
  const trainer = new Trainer({
    config,
    weights,
    lora,
    adapter: start.weights,
    objective,
    supervisedWeight,
    seed,
    microBatch: 16,
  })
  const sampling = { generator, maxTokens, temperature, room: config.max_position_embeddings, endId: base.endId }
  try {
    const policyRun = new PolicyRun(trainer, {
      prompts,
      numGenerations,
      promptsPerRound: promptsPerStep,
      rounds: steps,
      learningRate: schedule(training.learningRate, { warmup: Math.ceil(steps / 10), floor: 0.1 }),
      sample: (chosen, parameters, roundSeed, abort) => sample(chosen, parameters, `${roundSeed}`, sampling, abort),
      reward: (sampled, abort) => rewards(rewardModel, base, sampled, abort),
      advantages: method === 'rloo' ? leaveOneOutAdvantages : groupRelativeAdvantages,
      ...(samples.length > 0 && { supervised: { examples: toExamples(base, samples), perStep: promptsPerStep } }),
      ...(beta > 0 && { reference }),
    })
    const { run, chosen } = await withValidation(
      policyRun,
      trainer,
      { base, start, input },
      async ({ answers }) => meanOf(await rewardsOf(rewardModel, base, validation?.items ?? [], answers, signal)),
      context,
    )
    const { emit } = stageContext(context, 0.25, 0.92)
    for await (const report of runWithCheckpoints(run, { file, every, identity }, context)) {
      const { round: step, rounds, loss, metrics, meanReward: reward, meanLength } = report
      const points = { reward, policyLoss: loss, length: meanLength, ...metrics }
      for (const [name, value] of Object.entries(points)) emit({ type: 'metric', name, step, value })
      emit({ type: 'progress', done: step / rounds, stage: 'training the policy' })
    }
    const { weights: parameters, step: chosenStep } = await chosen()
    const probes = Array.from({ length: Math.min(MAX_PROBES, prompts.length) }, (_, index) => prompts[index]!)
    const probe = async (adapter: Weights) => {
      const answers = await sample(probes, adapter, `${seed}/probe`, sampling, signal)
      const scored = await rewards(
        rewardModel,
        base,
        answers.map(({ completion }, i) => ({ prompt: probes[i]!, completion })),
        signal,
      )
      return { answers, reward: meanOf(scored) }
    }
    const [before, after] = [await probe(start.weights), await probe(parameters)]
    const kl = await divergence(reference, probes, after.answers, signal)
    const metrics = { rewardAccuracy: rewardModel.accuracy, rewardBefore: before.reward, rewardAfter: after.reward, kl }
    return { weights: parameters, metrics: { ...metrics, meanReward: after.reward, chosenStep } }
  } finally {
    await Promise.all([trainer.release(), reference.release(), rewardModel.release()])
  }
}

function promptOf(base: BaseModel, text: string, index: number): Prompt {
  const ids = encodePrompt(base, text)
  const room = base.config.max_position_embeddings
  if (ids.length >= room)
    throw new TaskError(
      `Prompt ${index} has ${ids.length} tokens; the model can read ${room - 1}. Shorten it or remove it.`,
    )
  return { ids }
}

interface Sampling {
  generator: Generator
  maxTokens: number
  temperature: number
  room: number
  endId: number | null
}

/** Samples one completion per prompt, with its end token, from the policy with these weights. */
async function sample(
  prompts: readonly Prompt[],
  weights: Weights,
  seed: string,
  { generator, maxTokens, temperature, room, endId }: Sampling,
  signal?: AbortSignal,
): Promise<SampledCompletion[]> {
  const requests = prompts.map(({ ids }, index) => ({
    prompt: ids,
    maxTokens: Math.min(maxTokens, room - ids.length),
    temperature,
    adapter: weights,
    seed: `${seed}/${index}`,
  }))
  const found = await generator.generate(requests, signal)
  return found.map(({ tokens, logProbabilities, finish }) => ({
    completion: finish === 'stop' && endId !== null ? [...tokens, endId] : tokens,
    logProbabilities,
  }))
}

async function rewards(
  rewardModel: TrainedReward,
  { endId }: BaseModel,
  sampled: readonly { prompt: Prompt; completion: ArrayLike<number> }[],
  signal?: AbortSignal,
): Promise<number[]> {
  const texts = sampled.map(({ prompt, completion }) => [...prompt.ids, ...Array.from(completion)])
  const scores = await rewardModel.score(texts, signal)
  return scores.map((score, index) => (texts[index]!.at(-1) === endId ? score : score - MISSING_EOS_PENALTY))
}

/** Monte Carlo estimate of the KL divergence of the policy from the reference, in nats per completion. */
async function divergence(
  reference: SequenceScorer,
  prompts: readonly Prompt[],
  answers: readonly SampledCompletion[],
  signal?: AbortSignal,
): Promise<number> {
  const rows = answers.map(({ completion }, index) => [...prompts[index]!.ids, ...Array.from(completion)])
  const scored = await reference.logProbabilities(rows, signal)
  return meanOf(
    answers.map(({ logProbabilities }, index) => {
      const from = prompts[index]!.ids.length - 1
      return sumOf(logProbabilities) - sumOf(scored[index]!.subarray(from))
    }),
  )
}
