import type { Weights } from '#engine/formats/weights.ts'
import {
  DeviceTensors,
  type GraphRunner,
  onnxRuntime,
  type Program,
  ProgramCache,
  sizeFromShape,
  type Tensor,
  tensor,
} from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import { Random } from '#engine/stats/random.ts'
import { ADAMW, type AdamWOptions, adamWGraph, adamWScalars } from './adamw.ts'
import { drawFactors, dropoutOf } from './dropout.ts'
import type { Objective } from './objective.ts'
import { readBuffers, writeBuffers } from './parameterBuffers.ts'
import { gradientGraph, lossGraph } from './step.ts'
import { selectTrainable, type TrainableParameters, type TrainableParametersOptions } from './trainableParameters.ts'

export interface TrainerOptions<Example> extends TrainableParametersOptions {
  objective: Objective<Example>
  /** Seeds a fresh adapter and, in `train`, the order of examples. */
  seed: number
  optimiser?: Partial<AdamWOptions>
  /** Probability of dropping an input of an adapter's A while training; default 0. */
  dropout?: number
  /** Examples in one run of the graph; a step of more accumulates gradients. Default 8. */
  microBatch?: number
  runner?: GraphRunner
}

export interface Loss {
  /** Weighted mean over the examples. */
  loss: number
  /** What the objective reports beside it, likewise averaged. */
  metrics: Record<string, number>
}

export interface StepResult extends Loss {
  step: number
  learningRate: number
  /** Euclidean norm of all gradients before clipping. */
  gradientNorm: number
}

/** Training that cannot go on; the message says at which step and what to change. */
export class TrainingError extends Error {
  override name = 'TrainingError'
}

/** Parameters and AdamW's two moments, by parameter name, after `step` updates: all that a trainer knows. */
export interface TrainerState {
  step: number
  parameters: Weights
  firstMoments: Weights
  secondMoments: Weights
}

type OptimiserBuffers = { p: Tensor[]; m: Tensor[]; v: Tensor[] }

/**
 * Trains one model for one objective. Holds parameters and optimiser moments on the device between steps; every step
 * is two compiled graphs, gradients (one for each length of batch) and the AdamW update. Deterministic: the same
 * examples in the same order give the same bytes on the same device.
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
  /** Elements of the dropout pool by length of batch. */
  private readonly factors = new Map<number, number>()
  private readonly gradients: ProgramCache<number>
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
    if (!(this.dropout >= 0 && this.dropout < 1) || (this.dropout > 0 && !options.lora))
      throw new TrainingError(
        `Dropout ${this.dropout} is not possible: it lies from 0 to below 1 and needs an adapter (lora).`,
      )
    this.zeros = trainable.parameterBuffers.map(({ size }) => tensor(new Float32Array(size)))
    this.buffers = { p: writeBuffers(trainable.parameterBuffers, trainable.initial), m: this.zeros, v: this.zeros }
    this.gradients = new ProgramCache((length) => {
      const dropout =
        this.dropout > 0 ? dropoutOf(options.config, options.lora!, objective.rows * microBatch * length) : undefined
      if (dropout) this.factors.set(length, sizeFromShape(dropout.pool.shape))
      const graph = gradientGraph(trainable, objective, { batch: microBatch, length, dropout })
      return runner.compile(graph, { resident: this.names('g') })
    })
    this.losses = new ProgramCache((length) => runner.compile(lossGraph(trainable, objective, microBatch, length)))
  }

  /** Updates done so far. */
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
    return this.trainable.parameterBuffers.map((_, index) => results[`${prefix}.${index}`]!)
  }

  /** Factors of this step's `part`-th micro-batch: they depend on the seed and these numbers alone. */
  private dropoutFeed(length: number, part: number): Record<string, Float32Array> {
    if (this.dropout === 0) return {}
    const random = new Random(`${this.seed}/dropout/${this.stepsDone}/${part}`)
    return { dropout: drawFactors(random, this.factors.get(length)!, this.dropout) }
  }

  /** Throws, saying what is wrong, when an example cannot be trained on. */
  check(example: Example): void {
    this.objective.check(example)
    bucketLength(this.objective.lengthOf(example), this.limit)
  }

  /** Splits examples into micro-batches with their bucket and feeds. */
  private *microBatches(examples: readonly Example[]) {
    if (examples.length === 0) throw new TrainingError('A step needs at least one example.')
    for (const example of examples) this.check(example)
    const total = examples.reduce((sum, example) => sum + this.objective.totalOf(example), 0)
    // A step whose examples all weigh nothing has gradient zero, not 0 / 0.
    const scale = total > 0 ? 1 / total : 0
    for (let from = 0; from < examples.length; from += this.microBatch) {
      const part = examples.slice(from, from + this.microBatch)
      const length = bucketLength(Math.max(...part.map((each) => this.objective.lengthOf(each))), this.limit)
      yield { length, feeds: { ...this.objective.feeds(part, this.microBatch, length), scale } }
    }
  }

  /**
   * One update from these examples, however many micro-batches they take. When `signal` aborts, or the loss is not
   * finite, it throws and the parameters stay as they were.
   */
  async apply(examples: readonly Example[], learningRate: number, signal?: AbortSignal): Promise<StepResult> {
    const { p, m, v } = this.buffers
    const meter = new LossAccumulator()
    let sums = this.zeros
    let part = 0
    for (const { length, feeds } of this.microBatches(examples)) {
      signal?.throwIfAborted()
      const program = await this.gradients.get(length)
      const dropped = this.dropoutFeed(length, part++)
      const still = await this.frozen.get()
      const results = await program.run({ ...still, ...this.feedsOf({ p, g: sums }), ...feeds, ...dropped })
      meter.add(results)
      if (sums !== this.zeros) this.runner.dispose(sums)
      sums = this.pick(results, 'g')
      await yieldToEventLoop()
    }
    signal?.throwIfAborted()
    const step = this.stepsDone + 1
    this.update ??= this.runner.compile(adamWGraph(this.trainable.parameterBuffers, this.optimiser), {
      resident: this.names('p', 'm', 'v'),
    })
    const results = await (await this.update).run({
      ...this.feedsOf({ p, m, v, g: sums }),
      ...adamWScalars(step, learningRate, this.optimiser),
    })
    const gradientNorm = results.norm!.value
    const { loss, metrics } = meter
    const next: OptimiserBuffers = {
      p: this.pick(results, 'p'),
      m: this.pick(results, 'm'),
      v: this.pick(results, 'v'),
    }
    if (sums !== this.zeros) this.runner.dispose(sums)
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      this.discard(next)
      throw new TrainingError(
        `Step ${step}: the loss is ${loss} and the gradient norm ${gradientNorm}. The weights are those of step ` +
          `${step - 1}; lower the learning rate (now ${learningRate}), warm up, or clip more.`,
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

  /** The loss on other examples; changes nothing. */
  async evaluate(examples: readonly Example[], signal?: AbortSignal): Promise<Loss> {
    const meter = new LossAccumulator()
    for (const { length, feeds } of this.microBatches(examples)) {
      signal?.throwIfAborted()
      const program = await this.losses.get(length)
      meter.add(await program.run({ ...(await this.frozen.get()), ...this.feedsOf({ p: this.buffers.p }), ...feeds }))
      await yieldToEventLoop()
    }
    return { loss: meter.loss, metrics: meter.metrics }
  }

  /** The trained parameters: every weight, or the adapter (with a reward model's score head). */
  async parameters(): Promise<Weights> {
    return readBuffers(this.trainable.parameterBuffers, await this.toHost(this.buffers.p))
  }

  async state(): Promise<TrainerState> {
    const { parameterBuffers } = this.trainable
    const { p, m, v } = this.buffers
    const [parameters, firstMoments, secondMoments] = await Promise.all(
      [p, m, v].map(async (vectors) => readBuffers(parameterBuffers, await this.toHost(vectors))),
    )
    return {
      step: this.stepsDone,
      parameters: parameters!,
      firstMoments: firstMoments!,
      secondMoments: secondMoments!,
    }
  }

  /** Continues from a saved state, to the bit. */
  restore({ step, parameters, firstMoments, secondMoments }: TrainerState): void {
    const [p, m, v] = [parameters, firstMoments, secondMoments].map((each) =>
      writeBuffers(this.trainable.parameterBuffers, each),
    )
    this.discard(this.buffers)
    this.buffers = { p: p!, m: m!, v: v! }
    this.stepsDone = step
  }

  private async toHost(vectors: readonly Tensor[]): Promise<Tensor[]> {
    const named = Object.fromEntries(vectors.map((each, index) => [`x.${index}`, each]))
    const read = await this.runner.read(named)
    return vectors.map((_, index) => read[`x.${index}`]!)
  }

  /** Frees compiled graphs and device memory. */
  async release(): Promise<void> {
    this.discard(this.buffers)
    await Promise.all([
      this.frozen.release(),
      this.gradients.release(),
      this.losses.release(),
      this.update?.then((program) => program.release()),
    ])
  }
}

/** Sums losses and metrics over micro-batches; each is already divided by the step's total weight. */
class LossAccumulator {
  loss = 0
  readonly metrics: Record<string, number> = {}

  add(results: Readonly<Record<string, Tensor>>): void {
    this.loss += results.loss!.value
    for (const [name, each] of Object.entries(results))
      if (name.startsWith('metric.')) {
        const key = name.slice('metric.'.length)
        this.metrics[key] = (this.metrics[key] ?? 0) + each.value
      }
  }
}

/** Lets timers, signals and messages through between runs, which block the event loop. */
const yieldToEventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
