import type { Weights } from '#engine/formats/weights.ts'
import {
  DeviceTensors,
  type GraphRunner,
  onnxRuntime,
  outputNamed,
  type Program,
  ProgramCache,
  type Shape,
  sizeFromShape,
  type Tensor,
  tensor,
} from '#engine/graph/index.ts'
import { Random } from '#math/random.ts'
import { ADAMW, type AdamWOptions, adamWGraph, adamWScalars } from './adamw.ts'
import { drawFactors, dropoutOf, dropoutPoolShape } from './dropout.ts'
import { checkExampleOf, LossAccumulator, microBatches } from './microBatches.ts'
import type { Objective } from './objective.ts'
import { readBuffers, writeBuffers } from './parameterBuffers.ts'
import { gradientGraph, lossGraph } from './step.ts'
import { type SupervisedExample, supervised } from './supervised.ts'
import { selectTrainable, type TrainableParameters, type TrainableParametersOptions } from './trainableParameters.ts'

export interface TrainerOptions<Example> extends TrainableParametersOptions {
  objective: Objective<Example>
  /**
   * Weight of the supervised loss on the examples that `apply` gets beside its own, as in PPO-ptx (Ouyang et al., "Training language
   * models to follow instructions", 2022); default 0.
   */
  supervisedWeight?: number
  /** Seed of a new adapter, of dropout and, in a run, of the order of examples. */
  seed: number
  optimiser?: Partial<AdamWOptions>
  /** Probability that an input of an adapter's A is dropped during training; default 0. */
  dropout?: number
  /** Examples of one run of the graph; a step with more examples accumulates gradients. Default 8. */
  microBatch?: number
  runner?: GraphRunner
}

export interface Loss {
  /** Weighted mean over the examples. */
  loss: number
  /** Metrics of the objective, averaged in the same way. */
  metrics: Record<string, number>
}

export interface StepResult extends Loss {
  step: number
  learningRate: number
  /** Euclidean norm of the gradient before clipping. */
  gradientNorm: number
}

/** Training cannot continue; the message says at which step and what to change. */
export class TrainingError extends Error {
  override name = 'TrainingError'
}

/** The complete state of a trainer after `step` updates: parameters and the two moments of AdamW, by parameter name. */
export interface TrainerState {
  step: number
  parameters: Weights
  firstMoments: Weights
  secondMoments: Weights
}

type OptimiserBuffers = { p: Tensor[]; m: Tensor[]; v: Tensor[] }

/** One of the losses whose gradients a step adds. */
interface TrainedLoss<Example> {
  objective: Objective<Example>
  weight: number
  /** By batch length. */
  gradients: ProgramCache<number>
}

/**
 * Trains one model for one objective. Parameters and moments stay on the device between steps. A step runs two compiled
 * graphs: the gradients (one graph per batch length) and the AdamW update. Deterministic: the same examples in the same
 * order give bit-identical results on the same device.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { loraConfig } from '#engine/model/lora.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 * import { completionRow } from '#engine/train/rows.ts'
 * import { supervised } from '#engine/train/supervised.ts'
 * import { Trainer } from '#engine/train/trainer.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const trainer = new Trainer({
 *   config,
 *   weights: initialWeights(config, 1),
 *   lora: loraConfig({ rank: 2, targetModules: ['q_proj', 'v_proj'] }),
 *   objective: supervised,
 *   seed: 1,
 * })
 * const { step, gradientNorm } = await trainer.apply([completionRow([1, 2, 3], [4, 5])], 1e-3)
 * assert.equal(step, 1)
 * assert.ok(gradientNorm > 0)
 * const adapter = await trainer.parameters()
 * assert.deepEqual(adapter.get('model.layers.0.self_attn.q_proj.lora_A.weight')?.shape, [2, 16])
 * await trainer.release()
 * ```
 */
export class Trainer<Example> {
  readonly objective: Objective<Example>
  readonly seed: number
  readonly microBatch: number
  private readonly runner: GraphRunner
  private readonly trainable: TrainableParameters
  private readonly optimiser: AdamWOptions
  private readonly limit: number
  private readonly dropout: number
  /** The shape of the dropout pool for this number of rows and tokens; undefined without dropout. */
  private readonly poolShape: ((rows: 1 | 2, length: number) => Shape) | undefined
  private readonly own: TrainedLoss<Example>
  private readonly beside: TrainedLoss<SupervisedExample>
  private readonly losses: ProgramCache<number>
  private readonly zeros: Tensor[]
  private update: Promise<Program> | undefined
  private readonly frozen: DeviceTensors
  private buffers: OptimiserBuffers
  private stepsDone = 0

  constructor(options: TrainerOptions<Example>) {
    const { objective, microBatch = 8, runner = onnxRuntime(), seed } = options
    const trainable = selectTrainable(options, seed)
    this.objective = objective
    this.seed = seed
    this.microBatch = microBatch
    this.runner = runner
    this.trainable = trainable
    this.frozen = new DeviceTensors(runner, trainable.frozen)
    this.optimiser = { ...ADAMW, ...options.optimiser }
    this.limit = options.config.max_position_embeddings
    this.dropout = options.dropout ?? 0
    const { config, lora } = options
    if (!(this.dropout >= 0 && this.dropout < 1) || (this.dropout > 0 && !lora))
      throw new TrainingError(
        `dropout is ${this.dropout}; it must be at least 0 and below 1, and needs an adapter (lora).`,
      )
    this.zeros = trainable.parameterBuffers.map(({ size }) => tensor(new Float32Array(size)))
    this.buffers = { p: writeBuffers(trainable.parameterBuffers, trainable.initial), m: this.zeros, v: this.zeros }
    if (lora && this.dropout > 0)
      this.poolShape = (rows, length) => dropoutPoolShape(config, lora, rows * microBatch * length)
    const gradientsOf = <E>(of: Objective<E>): ProgramCache<number> =>
      new ProgramCache((length) => {
        const dropout = lora && this.dropout > 0 ? dropoutOf(config, lora, of.rows * microBatch * length) : undefined
        const graph = gradientGraph(trainable, of, { batch: microBatch, length, dropout })
        return runner.compile(graph, { resident: this.names('g') })
      })
    this.own = { objective, weight: 1, gradients: gradientsOf(objective) }
    this.beside = {
      objective: supervised,
      weight: options.supervisedWeight ?? 0,
      gradients: gradientsOf(supervised),
    }
    this.losses = new ProgramCache((length) => runner.compile(lossGraph(trainable, objective, microBatch, length)))
  }

  /** Number of updates so far. */
  get step(): number {
    return this.stepsDone
  }

  private names(...prefixes: string[]): string[] {
    return prefixes.flatMap((prefix) => this.trainable.parameterBuffers.map((_, index) => `${prefix}.${index}`))
  }

  private feedsOf(parts: Readonly<Record<string, readonly Tensor[]>>): Record<string, Tensor> {
    return Object.fromEntries(
      Object.entries(parts).flatMap(([prefix, tensors]) => tensors.map((each, index) => [`${prefix}.${index}`, each])),
    )
  }

  private pick(results: Readonly<Record<string, Tensor>>, prefix: string): Tensor[] {
    return this.trainable.parameterBuffers.map((_, index) => outputNamed(results, `${prefix}.${index}`))
  }

  /** Factors of micro-batch `part` of this step; they depend only on the seed and these two numbers. */
  private dropoutFeed(rows: 1 | 2, length: number, part: number): Record<string, Float32Array> {
    if (!this.poolShape) return {}
    const random = new Random(`${this.seed}/dropout/${this.stepsDone}/${part}`)
    return { dropout: drawFactors(random, sizeFromShape(this.poolShape(rows, length)), this.dropout) }
  }

  /** @throws Error that says why an example cannot be used for training. */
  check(example: Example): void {
    checkExampleOf(this.objective, example, this.limit)
  }

  private microBatches<E>({ objective, weight }: Pick<TrainedLoss<E>, 'objective' | 'weight'>, examples: readonly E[]) {
    return microBatches(objective, examples, { rows: this.microBatch, limit: this.limit, weight })
  }

  /**
   * One update from these examples, in as many micro-batches as needed. The supervised loss on `mixed` counts `supervisedWeight` times
   * and is reported as the metric `supervised`. @throws the reason of `signal` when it aborts, and TrainingError when a loss is not
   * finite; the parameters are then unchanged.
   */
  async apply(
    examples: readonly Example[],
    learningRate: number,
    signal?: AbortSignal,
    mixed: readonly SupervisedExample[] = [],
  ): Promise<StepResult> {
    if (examples.length === 0) throw new TrainingError('A step needs at least one example.')
    const { p, m, v } = this.buffers
    let sums = this.zeros
    let part = 0
    const accumulate = async <E>(loss: TrainedLoss<E>, from: readonly E[]): Promise<LossAccumulator> => {
      const meter = new LossAccumulator()
      for (const { length, feeds } of this.microBatches(loss, from)) {
        signal?.throwIfAborted()
        const program = await loss.gradients.get(length)
        const dropped = this.dropoutFeed(loss.objective.rows, length, part++)
        const still = await this.frozen.get()
        const results = await program.run({ ...still, ...this.feedsOf({ p, g: sums }), ...feeds, ...dropped })
        meter.add(results)
        if (sums !== this.zeros) this.runner.dispose(sums)
        sums = this.pick(results, 'g')
        await yieldToEventLoop()
      }
      return meter
    }
    const { loss, metrics } = await accumulate(this.own, examples)
    const { weight } = this.beside
    if (mixed.length > 0 && weight > 0) metrics.supervised = (await accumulate(this.beside, mixed)).loss / weight
    signal?.throwIfAborted()
    const step = this.stepsDone + 1
    this.update ??= this.runner.compile(adamWGraph(this.trainable.parameterBuffers, this.optimiser), {
      resident: this.names('p', 'm', 'v'),
    })
    const results = await (await this.update).run({
      ...this.feedsOf({ p, m, v, g: sums }),
      ...adamWScalars(step, learningRate, this.optimiser),
    })
    const gradientNorm = outputNamed(results, 'norm').value
    const next: OptimiserBuffers = {
      p: this.pick(results, 'p'),
      m: this.pick(results, 'm'),
      v: this.pick(results, 'v'),
    }
    if (sums !== this.zeros) this.runner.dispose(sums)
    if (!Number.isFinite(loss + (metrics.supervised ?? 0)) || !Number.isFinite(gradientNorm)) {
      this.discard(next)
      throw new TrainingError(
        `Step ${step}: the loss is ${loss} and the gradient norm ${gradientNorm}. The weights are still those of step ` +
          `${step - 1}. Reduce the learning rate (${learningRate}) or maxGradientNorm, or use a warm-up.`,
      )
    }
    this.discard(this.buffers)
    this.buffers = next
    this.stepsDone = step
    return { step, loss, metrics, learningRate, gradientNorm }
  }

  private discard({ p, m, v }: OptimiserBuffers): void {
    this.runner.dispose([...p, ...m, ...v].filter((each) => !this.zeros.includes(each)))
  }

  /** The loss of these examples, without an update. */
  async evaluate(examples: readonly Example[], signal?: AbortSignal): Promise<Loss> {
    if (examples.length === 0) throw new TrainingError('A loss needs at least one example.')
    const meter = new LossAccumulator()
    for (const { length, feeds } of this.microBatches(this.own, examples)) {
      signal?.throwIfAborted()
      const program = await this.losses.get(length)
      meter.add(await program.run({ ...(await this.frozen.get()), ...this.feedsOf({ p: this.buffers.p }), ...feeds }))
      await yieldToEventLoop()
    }
    return { loss: meter.loss, metrics: meter.metrics }
  }

  /** The trained parameters: every weight, or the adapter (with the score head of a reward model). */
  async parameters(): Promise<Weights> {
    return readBuffers(this.trainable.parameterBuffers, await this.toHost(this.buffers.p))
  }

  async state(): Promise<TrainerState> {
    const { parameterBuffers } = this.trainable
    const { p, m, v } = this.buffers
    const read = async (tensors: readonly Tensor[]) => readBuffers(parameterBuffers, await this.toHost(tensors))
    const [parameters, firstMoments, secondMoments] = await Promise.all([read(p), read(m), read(v)])
    return { step: this.stepsDone, parameters, firstMoments, secondMoments }
  }

  /** Continues from a saved state, with bit-identical results. */
  restore({ step, parameters, firstMoments, secondMoments }: TrainerState): void {
    const { parameterBuffers } = this.trainable
    const restored: OptimiserBuffers = {
      p: writeBuffers(parameterBuffers, parameters),
      m: writeBuffers(parameterBuffers, firstMoments),
      v: writeBuffers(parameterBuffers, secondMoments),
    }
    this.discard(this.buffers)
    this.buffers = restored
    this.stepsDone = step
  }

  private async toHost(vectors: readonly Tensor[]): Promise<Tensor[]> {
    const named = Object.fromEntries(vectors.map((each, index) => [`x.${index}`, each]))
    const read = await this.runner.read(named)
    return vectors.map((_, index) => outputNamed(read, `x.${index}`))
  }

  /** Frees compiled graphs and device memory. */
  async release(): Promise<void> {
    this.discard(this.buffers)
    await Promise.all([
      this.frozen.release(),
      this.own.gradients.release(),
      this.beside.gradients.release(),
      this.losses.release(),
      this.update?.then((program) => program.release()),
    ])
  }
}

/** A run blocks the event loop; between two runs timers, signals and messages get their turn. */
const yieldToEventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
