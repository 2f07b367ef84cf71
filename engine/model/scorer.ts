import type { Weights } from '#engine/formats/weights.ts'
import {
  DeviceTensors,
  type Feeds,
  type Graph,
  type GraphRunner,
  input,
  type Node,
  onnxRuntime,
  ProgramCache,
  type Tensor,
} from '#engine/graph/index.ts'
import { bucketLength } from './buckets.ts'
import type { ModelConfig } from './config.ts'
import { sequenceScores, tokenLogProbabilities } from './heads.ts'
import { adapterInputs, feedsOf, idInput, weightInputs } from './inputs.ts'
import { forward } from './llama.ts'
import type { LoraConfig } from './lora.ts'
import { checkWeights } from './parameters.ts'

export interface SequenceScorerOptions {
  config: ModelConfig
  weights: Weights
  lora?: LoraConfig
  /** Needed with `lora`. */
  adapter?: Weights
  runner?: GraphRunner
  /** Rows in one run. Default 8. */
  batch?: number
}

/**
 * Reads texts without training: log-probabilities of their tokens under a language model, or the score that a reward
 * model gives them. Rows are grouped by length, so mixed lengths cost little padding; answers keep the given order.
 */
export class SequenceScorer {
  private readonly config: ModelConfig
  private readonly batch: number
  private readonly lora: LoraConfig | undefined
  private readonly adapterNames: ReadonlySet<string>
  private readonly weights: DeviceTensors
  private adapter: Record<string, Tensor> = {}
  private readonly programs: ProgramCache<number>

  constructor({ config, weights, lora, adapter, runner = onnxRuntime(), batch = 8 }: SequenceScorerOptions) {
    if (!lora !== !adapter) throw new Error('An adapter and its configuration (lora) are given together.')
    this.config = config
    this.batch = batch
    this.lora = lora
    this.adapterNames = new Set(adapter?.keys())
    this.weights = new DeviceTensors(runner, feedsOf(checkWeights(config, weights)))
    this.setAdapter(adapter ?? new Map())
    this.programs = new ProgramCache((length) => runner.compile(this.graph(length)))
  }

  /** Exchanges the adapter's weights for others of the same configuration. */
  setAdapter(adapter: Weights): void {
    if (adapter.size !== this.adapterNames.size || [...adapter.keys()].some((name) => !this.adapterNames.has(name)))
      throw new Error('The adapter holds other weights than the one this scorer was made for.')
    this.adapter = feedsOf(adapter)
  }

  private graph(length: number): Graph {
    const { config, batch, lora } = this
    const nodes = new Map([...weightInputs(config), ...(lora ? adapterInputs(config, lora) : [])])
    const ids = idInput(config, batch, length)
    const { hidden } = forward(config, { weights: nodes, ids, adapter: lora && { lora, weights: nodes } })
    const used = (extra: Node) => [ids, extra, ...Array.from(nodes.values())]
    if (config.head === 'score') {
      const last = input('last', [batch], 'i32', { below: length })
      return { inputs: used(last), outputs: { scores: sequenceScores(nodes, hidden, last) } }
    }
    const targets = idInput(config, batch, length, 'targets')
    const logProbabilities = tokenLogProbabilities(config, nodes, hidden, targets)
    return { inputs: used(targets), outputs: { logProbabilities } }
  }

  /**
   * Log-probability of every token of every row but the first, given the tokens before it: `rows[i].length - 1` values
   * for row i.
   */
  async logProbabilities(rows: readonly ArrayLike<number>[], signal?: AbortSignal): Promise<Float32Array[]> {
    if (this.config.head !== 'tokens') throw new Error('A reward model has no token probabilities; ask for scores.')
    const answers: Float32Array[] = new Array(rows.length)
    await this.forEachBatch(rows, 1, signal, (chosen, length, { logProbabilities }) =>
      chosen.forEach((index, row) => {
        answers[index] = logProbabilities!.floats.slice(row * length, row * length + rows[index]!.length - 1)
      }),
    )
    return answers
  }

  /** A reward model's score of every row. */
  async scores(rows: readonly ArrayLike<number>[], signal?: AbortSignal): Promise<Float32Array> {
    if (this.config.head !== 'score') throw new Error('This model has no score head; use a reward model.')
    const answers = new Float32Array(rows.length)
    await this.forEachBatch(rows, 0, signal, (chosen, _, { scores }) =>
      chosen.forEach((index, row) => {
        answers[index] = scores!.floats[row]!
      }),
    )
    return answers
  }

  /** `shift` is 1 where the last token is only a target. */
  private async forEachBatch(
    rows: readonly ArrayLike<number>[],
    shift: 0 | 1,
    signal: AbortSignal | undefined,
    take: (chosen: readonly number[], length: number, results: Record<string, Tensor>) => void,
  ): Promise<void> {
    rows.forEach((row, index) => {
      if (row.length < 1 + shift) throw new Error(`Row ${index} has ${row.length} tokens; it needs ${1 + shift}.`)
      for (let t = 0; t < row.length; t++)
        if (!Number.isInteger(row[t])) throw new Error(`Row ${index} has ${row[t]} as token ${t}, no whole number.`)
    })
    const order = Array.from(rows.keys()).sort((a, b) => rows[a]!.length - rows[b]!.length || a - b)
    for (let from = 0; from < order.length; from += this.batch) {
      signal?.throwIfAborted()
      const chosen = order.slice(from, from + this.batch)
      const longest = rows[chosen.at(-1)!]!.length - shift
      const length = bucketLength(longest, this.config.max_position_embeddings)
      const program = await this.programs.get(length)
      const model = { ...(await this.weights.get()), ...this.adapter }
      take(chosen, length, await program.run({ ...model, ...this.batchFeeds(rows, chosen, length, shift) }))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  private batchFeeds(
    rows: readonly ArrayLike<number>[],
    chosen: readonly number[],
    length: number,
    shift: 0 | 1,
  ): Feeds {
    const ids = new Int32Array(this.batch * length)
    const targets = new Int32Array(this.batch * length)
    const last = new Int32Array(this.batch)
    chosen.forEach((index, place) => {
      const row = Array.from(rows[index]!)
      ids.set(row.slice(0, row.length - shift), place * length)
      targets.set(row.slice(1), place * length)
      last[place] = row.length - 1
    })
    return this.config.head === 'score' ? { ids, last } : { ids, targets }
  }

  async release(): Promise<void> {
    await Promise.all([this.programs.release(), this.weights.release()])
  }
}
