import type { Weights } from '#engine/formats/weights.ts'
import type { SequenceScorer } from '#engine/model/scorer.ts'
import { Random } from '#math/random.ts'
import { meanOf } from '#math/summary.ts'
import { inPasses, mixedIn, type SupervisedMix } from './passes.ts'
import { type PolicyExample, policyExample } from './policy.ts'
import type { Progress, ResumableRun, TrainingCheckpoint } from './run.ts'
import { learningRateAt, type Schedule, schedule } from './schedule.ts'
import { type StepResult, type Trainer, TrainingError } from './trainer.ts'
import { zip } from './zip.ts'

export interface SampledCompletion {
  completion: ArrayLike<number>
  /** Of every token of the completion, under the policy that sampled it. */
  logProbabilities: ArrayLike<number>
}

export interface PolicyPlan<Prompt extends { ids: ArrayLike<number>; weight?: number }> {
  prompts: readonly Prompt[]
  /** Number of completions of one prompt, which are compared with each other; at least 2. */
  numGenerations: number
  promptsPerRound: number
  rounds: number
  /** Number of updates from the completions of one round; default 1. */
  updatesPerRound?: number
  learningRate: Schedule | number
  supervised?: SupervisedMix
  /**
   * Samples one completion for each prompt in the list (a prompt occurs several times), from the policy with the trained
   * parameters `parameters`. The same seed must give the same completions.
   */
  sample(
    prompts: readonly Prompt[],
    parameters: Weights,
    seed: number,
    signal?: AbortSignal,
  ): Promise<SampledCompletion[]>
  /** The reward of each completion: from a reward model or from any other rule. */
  reward(sampled: readonly { prompt: Prompt; completion: ArrayLike<number> }[], signal?: AbortSignal): Promise<number[]>
  /** Computes advantages from the rewards of one prompt: `groupRelativeAdvantages` or `leaveOneOutAdvantages`. */
  advantages(rewards: readonly number[]): number[]
  /** Evaluates the reference policy; required when the `klWeight` of the objective is greater than 0. */
  reference?: SequenceScorer
}

export interface RoundReport extends StepResult {
  round: number
  rounds: number
  meanReward: number
  /** Mean number of tokens of the completions. */
  meanLength: number
  milliseconds: number
}

/**
 * Reinforcement learning: every round samples completions, computes rewards and advantages, and updates the policy; one
 * report per round. Seeds, checkpoints and continuation work as in TrainingRun. An abort takes effect before the first
 * update of a round.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 * import { groupRelativeAdvantages, grpo } from '#engine/train/policy.ts'
 * import { PolicyRun } from '#engine/train/policyRun.ts'
 * import { Trainer } from '#engine/train/trainer.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const trainer = new Trainer({ config, weights: initialWeights(config, 1), objective: grpo(), seed: 1 })
 * const run = new PolicyRun(trainer, {
 *   prompts: [{ ids: [1, 2] }],
 *   numGenerations: 2,
 *   promptsPerRound: 1,
 *   rounds: 1,
 *   learningRate: 1e-2,
 *   // A program samples with a `Generator`; here the completions are fixed.
 *   sample: async () => [
 *     { completion: [7], logProbabilities: [-3.5] },
 *     { completion: [9], logProbabilities: [-3.5] },
 *   ],
 *   reward: async (completions) => completions.map(({ completion }) => (completion[0] === 7 ? 1 : 0)),
 *   advantages: groupRelativeAdvantages,
 * })
 * for await (const { meanReward } of run.start()) assert.equal(meanReward, 0.5)
 * await trainer.release()
 * ```
 */
export class PolicyRun<Prompt extends { ids: ArrayLike<number>; weight?: number }>
  implements ResumableRun<RoundReport>
{
  private readonly updates: number
  private readonly learningRate: Schedule
  private readonly identity: Progress['plan']

  constructor(
    readonly trainer: Trainer<PolicyExample>,
    readonly plan: PolicyPlan<Prompt>,
  ) {
    const { prompts, numGenerations, promptsPerRound, rounds, learningRate } = plan
    if (prompts.length === 0) throw new TrainingError('The plan has no prompts.')
    if (!(Number.isInteger(numGenerations) && numGenerations >= 2))
      throw new TrainingError(
        `numGenerations is ${numGenerations}; at least 2 completions of a prompt are needed to compare them.`,
      )
    this.updates = plan.updatesPerRound ?? 1
    this.learningRate = typeof learningRate === 'number' ? schedule(learningRate) : learningRate
    this.identity = {
      objective: trainer.objective.name,
      seed: trainer.seed,
      examples: prompts.length,
      batchSize: promptsPerRound * numGenerations,
      steps: rounds * this.updates,
    }
  }

  async *start(signal?: AbortSignal): AsyncGenerator<RoundReport, void, undefined> {
    const { trainer, plan, updates } = this
    for (let round = trainer.step / updates; round < plan.rounds; round++) {
      signal?.throwIfAborted()
      const begin = performance.now()
      const { examples, meanReward, meanLength } = await this.gather(round, signal)
      signal?.throwIfAborted()
      const update = (abort?: AbortSignal): Promise<StepResult> => {
        const learningRate = learningRateAt(this.learningRate, trainer.step + 1, plan.rounds * updates)
        return trainer.apply(examples, learningRate, abort, mixedIn(plan.supervised, trainer.seed, trainer.step))
      }
      let result = await update(signal)
      for (let done = 1; done < updates; done++) result = await update()
      const milliseconds = performance.now() - begin
      yield { ...result, round: round + 1, rounds: plan.rounds, meanReward, meanLength, milliseconds }
    }
  }

  /** The examples of one round: groups of completions with their advantages. */
  private async gather(round: number, signal?: AbortSignal) {
    const { plan, trainer } = this
    const { numGenerations, promptsPerRound } = plan
    const chosen = inPasses(plan.prompts, `${trainer.seed}/prompts`, round * promptsPerRound, promptsPerRound)
    const prompts = chosen.flatMap((prompt) => new Array<Prompt>(numGenerations).fill(prompt))
    const seed = new Random(`${trainer.seed}/sample/${round}`).uint32()
    const sampled = await plan.sample(prompts, await trainer.parameters(), seed, signal)
    if (sampled.length !== prompts.length)
      throw new TrainingError(`The plan sampled ${sampled.length} completions for ${prompts.length} prompts.`)
    const completions = zip(prompts, sampled).map(([prompt, each]) => ({ ...each, prompt }))
    const rewards = await plan.reward(completions, signal)
    if (rewards.length !== prompts.length || rewards.some((value) => !Number.isFinite(value)))
      throw new TrainingError(`The rewards must be ${prompts.length} finite numbers, one for each completion.`)
    const advantages: number[] = []
    for (let from = 0; from < rewards.length; from += numGenerations)
      advantages.push(...plan.advantages(rewards.slice(from, from + numGenerations)))
    const references = await this.referencesOf(completions, signal)
    const examples = zip(zip(completions, advantages), references).map(([[each, advantage], reference]) => {
      const { completion, logProbabilities, prompt } = each
      return policyExample({
        prompt: prompt.ids,
        completion,
        logProbabilities,
        weight: prompt.weight,
        reference,
        advantage,
      })
    })
    const meanLength = meanOf(sampled.map(({ completion }) => completion.length))
    return { examples, meanReward: meanOf(rewards), meanLength }
  }

  /** Log-probabilities of the completions under the reference policy; undefined for each without one. */
  private async referencesOf(
    completions: readonly { prompt: Prompt; completion: ArrayLike<number> }[],
    signal?: AbortSignal,
  ): Promise<(Float32Array | undefined)[]> {
    const { reference } = this.plan
    if (!reference) return completions.map(() => undefined)
    const rows = completions.map(({ prompt, completion }) => [...Array.from(prompt.ids), ...Array.from(completion)])
    const scored = await reference.logProbabilities(rows, signal)
    return zip(completions, scored).map(([{ prompt }, values]) => values.slice(prompt.ids.length - 1))
  }

  async checkpoint(): Promise<TrainingCheckpoint> {
    const state = await this.trainer.state()
    const progress = { epoch: 0, used: state.step, bestLoss: null, evaluationsWithoutGain: 0, stopped: false }
    return { progress: { ...progress, plan: this.identity }, state }
  }

  /** Continues a saved run. @throws TrainingError when that run had another plan. */
  restore({ progress, state }: TrainingCheckpoint): void {
    for (const [key, own] of Object.entries(this.identity)) {
      const saved = progress.plan[key as keyof Progress['plan']]
      if (saved !== own)
        throw new TrainingError(`The checkpoint belongs to a run with ${key} ${saved}; this run has ${own}.`)
    }
    this.trainer.restore(state)
  }
}
