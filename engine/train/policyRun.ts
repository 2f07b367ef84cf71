import type { Weights } from '#engine/formats/weights.ts'
import type { SequenceScorer } from '#engine/model/scorer.ts'
import { Random } from '#engine/stats/random.ts'
import { meanOf } from '#math/summary.ts'
import { type PolicyExample, policyExample } from './policy.ts'
import type { Progress, TrainingCheckpoint } from './run.ts'
import { learningRateAt, type Schedule, schedule } from './schedule.ts'
import { type StepResult, type Trainer, TrainingError } from './trainer.ts'

export interface SampledCompletion {
  completion: ArrayLike<number>
  /** Of every token of the completion, under the policy that sampled it. */
  logProbabilities: ArrayLike<number>
}

export interface PolicyPlan<Prompt extends { ids: ArrayLike<number>; weight?: number }> {
  prompts: readonly Prompt[]
  /** Completions of one prompt, compared with each other; at least 2. */
  numGenerations: number
  promptsPerRound: number
  rounds: number
  /** Updates from the completions of one round; default 1. */
  updatesPerRound?: number
  learningRate: Schedule | number
  /**
   * Samples one completion for each prompt given (prompts repeat), from the policy whose trained parameters are
   * `parameters`. The same seed must give the same completions.
   */
  sample(
    prompts: readonly Prompt[],
    parameters: Weights,
    seed: number,
    signal?: AbortSignal,
  ): Promise<SampledCompletion[]>
  /** How good each completion is: a reward model, or any rule. */
  reward(sampled: readonly { prompt: Prompt; completion: ArrayLike<number> }[], signal?: AbortSignal): Promise<number[]>
  /** Turns the rewards of one group into advantages: `groupRelative` or `leaveOneOut`. */
  advantages(rewards: readonly number[]): number[]
  /** Reads the reference policy; needed when the objective weighs the divergence from it. */
  reference?: SequenceScorer
}

export interface RoundReport extends StepResult {
  round: number
  rounds: number
  meanReward: number
  /** Mean number of tokens of a completion. */
  meanLength: number
  milliseconds: number
}

/**
 * Reinforcement learning from rewards: sample, reward, compare within groups, update; one report per round. Seeded like
 * a TrainingRun, and saved and continued in the same way. An abort takes effect before the first update of a round.
 */
export class PolicyRun<Prompt extends { ids: ArrayLike<number>; weight?: number }> {
  private readonly updates: number
  private readonly learningRate: Schedule
  private readonly identity: Progress['plan']

  constructor(
    readonly trainer: Trainer<PolicyExample>,
    readonly plan: PolicyPlan<Prompt>,
  ) {
    const { prompts, numGenerations, promptsPerRound, rounds, learningRate } = plan
    if (prompts.length === 0) throw new TrainingError('There is nothing to sample from: the plan has no prompts.')
    if (!(Number.isInteger(numGenerations) && numGenerations >= 2))
      throw new TrainingError(`A group compares at least 2 completions of one prompt, not ${numGenerations}.`)
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
      let result: StepResult | undefined
      for (let update = 0; update < updates; update++) {
        const rate = learningRateAt(this.learningRate, trainer.step + 1, plan.rounds * updates)
        result = await trainer.apply(examples, rate, update === 0 ? signal : undefined)
      }
      const milliseconds = performance.now() - begin
      yield { ...result!, round: round + 1, rounds: plan.rounds, meanReward, meanLength, milliseconds }
    }
  }

  /** The examples of one round: groups of completions with their advantages. */
  private async gather(round: number, signal?: AbortSignal) {
    const { plan, trainer } = this
    const { numGenerations } = plan
    const prompts = this.choose(round).flatMap((prompt) => new Array<Prompt>(numGenerations).fill(prompt))
    const seed = new Random(`${trainer.seed}/sample/${round}`).uint32()
    const sampled = await plan.sample(prompts, await trainer.parameters(), seed, signal)
    if (sampled.length !== prompts.length)
      throw new TrainingError(`${sampled.length} completions were sampled for ${prompts.length} prompts.`)
    const rewards = await plan.reward(
      sampled.map(({ completion }, index) => ({ prompt: prompts[index]!, completion })),
      signal,
    )
    if (rewards.length !== prompts.length || rewards.some((value) => !Number.isFinite(value)))
      throw new TrainingError(`Rewards must be ${prompts.length} finite numbers, one for each completion.`)
    const advantages: number[] = []
    for (let from = 0; from < rewards.length; from += numGenerations)
      advantages.push(...plan.advantages(rewards.slice(from, from + numGenerations)))
    const reference = await this.referenceOf(prompts, sampled, signal)
    const examples = sampled.map(({ completion, logProbabilities }, index) => {
      const { ids: prompt, weight } = prompts[index]!
      const fixed = { prompt, completion, logProbabilities, weight, reference: reference?.[index] }
      return policyExample({ ...fixed, advantage: advantages[index]! })
    })
    const meanLength = meanOf(sampled.map(({ completion }) => completion.length))
    return { examples, meanReward: meanOf(rewards), meanLength }
  }

  private async referenceOf(prompts: readonly Prompt[], sampled: readonly SampledCompletion[], signal?: AbortSignal) {
    const { reference } = this.plan
    if (!reference) return undefined
    const rows = sampled.map(({ completion }, index) => [...Array.from(prompts[index]!.ids), ...Array.from(completion)])
    const scored = await reference.logProbabilities(rows, signal)
    return scored.map((values, index) => values.slice(prompts[index]!.ids.length - 1))
  }

  /** The prompts of a round: seeded passes over all of them, one after the other. */
  private choose(round: number): Prompt[] {
    const { prompts, promptsPerRound } = this.plan
    return Array.from({ length: promptsPerRound }, (_, index) => {
      const place = round * promptsPerRound + index
      const pass = Math.floor(place / prompts.length)
      const order = new Random(`${this.trainer.seed}/prompts/${pass}`).permutation(prompts.length)
      return prompts[order[place % prompts.length]!]!
    })
  }

  async checkpoint(): Promise<TrainingCheckpoint> {
    const state = await this.trainer.state()
    const progress = { epoch: 0, used: state.step, bestLoss: null, evaluationsWithoutGain: 0, stopped: false }
    return { progress: { ...progress, plan: this.identity }, state }
  }

  /** Continues a saved run. Throws when that run had another plan. */
  restore({ progress, state }: TrainingCheckpoint): void {
    for (const [key, mine] of Object.entries(this.identity)) {
      const theirs = progress.plan[key as keyof Progress['plan']]
      if (theirs !== mine)
        throw new TrainingError(`The checkpoint's run had ${key} ${theirs}, this one has ${mine}; they must agree.`)
    }
    this.trainer.restore(state)
  }
}
