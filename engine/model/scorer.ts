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

interface NumberedRow {
  ids: ArrayLike<number>
  /** Its index in the input. */
  index: number
}

export interface SequenceScorerOptions {
  config: ModelConfig
  weights: Weights
  lora?: LoraConfig
  /** Required with `lora`. */
  adapter?: Weights
  runner?: GraphRunner
  /** Rows of one run; default 8. */
  batch?: number
}

/**
 * Evaluates token sequences without training: the log-probabilities of their tokens under a language model, or their
 * scores by a reward model. Rows of similar length run together, which keeps padding small; results are in the order of
 * the input.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 * import { SequenceScorer } from '#engine/model/scorer.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const scorer = new SequenceScorer({ config, weights: initialWeights(config, 1) })
 * const [first] = await scorer.logProbabilities([[1, 2, 3], [4, 5]])
 * assert.equal(first?.length, 2) // one value for each token after the first
 * await scorer.release()
 * ```
 */
export class SequenceScorer {
  private readonly config: ModelConfig
  private readonly batch: number
  private readonly lora: LoraConfig | undefined
  private readonly adapterNames: ReadonlySet<string>
  private readonly weights: DeviceTensors
  private adapter: Record<string, Tensor> = {}
  private readonly programs: ProgramCache<number, 'results'>

  constructor({ config, weights, lora, adapter, runner = onnxRuntime(), batch = 8 }: SequenceScorerOptions) {
    if (!lora !== !adapter) throw new Error('An adapter and its configuration (lora) must be given together.')
    this.config = config
    this.batch = batch
    this.lora = lora
    this.adapterNames = new Set(adapter?.keys())
    this.weights = new DeviceTensors(runner, feedsOf(checkWeights(config, weights)))
    this.setAdapter(adapter ?? new Map())
    this.programs = new ProgramCache((length) => runner.compile(this.graph(length)))
  }

  /** Replaces the adapter by another one of the same configuration. */
  setAdapter(adapter: Weights): void {
    if (adapter.size !== this.adapterNames.size || [...adapter.keys()].some((name) => !this.adapterNames.has(name)))
      throw new Error('The adapter has other weight names than the adapter that this scorer was created with.')
    this.adapter = feedsOf(adapter)
  }

  private graph(length: number): Graph<'results'> {
    const { config, batch, lora } = this
    const nodes = new Map([...weightInputs(config), ...(lora ? adapterInputs(config, lora) : [])])
    const ids = idInput(config, batch, length)
    const { hidden } = forward(config, { weights: nodes, ids, adapter: lora && { lora, weights: nodes } })
    const used = (extra: Node) => [ids, extra, ...Array.from(nodes.values())]
    if (config.head === 'score') {
      const last = input('last', [batch], 'i32', { below: length })
      return { inputs: used(last), outputs: { results: sequenceScores(nodes, hidden, last) } }
    }
    const targets = idInput(config, batch, length, 'targets')
    return { inputs: used(targets), outputs: { results: tokenLogProbabilities(config, nodes, hidden, targets) } }
  }

  /**
   * Log-probability of every token after the first, given the tokens before it: `rows[i].length - 1` values for row i.
   */
  async logProbabilities(rows: readonly ArrayLike<number>[], signal?: AbortSignal): Promise<Float32Array[]> {
    if (this.config.head !== 'tokens') throw new Error('A reward model has no token probabilities; call scores().')
    const answers: Float32Array[] = new Array(rows.length)
    await this.forEachBatch(rows, 1, signal, (batch, length, results) => {
      for (const [row, { ids, index }] of batch.entries())
        answers[index] = results.slice(row * length, row * length + ids.length - 1)
    })
    return answers
  }

  /** The reward model's score of every row. */
  async scores(rows: readonly ArrayLike<number>[], signal?: AbortSignal): Promise<Float32Array> {
    if (this.config.head !== 'score') throw new Error('This model has no score head; use a reward model.')
    const answers = new Float32Array(rows.length)
    await this.forEachBatch(rows, 0, signal, (batch, _, results) => {
      for (const [row, { index }] of batch.entries()) answers.set(results.subarray(row, row + 1), index)
    })
    return answers
  }

  /** `shift` is 1 where the last token of a row is only a target, not an input. */
  private async forEachBatch(
    rows: readonly ArrayLike<number>[],
    shift: 0 | 1,
    signal: AbortSignal | undefined,
    take: (batch: readonly NumberedRow[], length: number, results: Float32Array) => void,
  ): Promise<void> {
    rows.forEach((row, index) => {
      if (row.length < 1 + shift)
        throw new Error(`Row ${index} has ${row.length} tokens; it needs at least ${1 + shift}.`)
      for (let t = 0; t < row.length; t++)
        if (!Number.isInteger(row[t]))
          throw new Error(`Token ${t} of row ${index} is ${row[t]}, which is not a whole number.`)
    })
    const sorted = rows
      .map((ids, index) => ({ ids, index }))
      .sort((a, b) => a.ids.length - b.ids.length || a.index - b.index)
    for (let from = 0; from < sorted.length; from += this.batch) {
      signal?.throwIfAborted()
      const batch = sorted.slice(from, from + this.batch)
      const longest = Math.max(...batch.map(({ ids }) => ids.length)) - shift
      const length = bucketLength(longest, this.config.max_position_embeddings)
      const program = await this.programs.get(length)
      const model = { ...(await this.weights.get()), ...this.adapter }
      const { results } = await program.run({ ...model, ...this.batchFeeds(batch, length, shift) })
      take(batch, length, results.floats)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  private batchFeeds(batch: readonly NumberedRow[], length: number, shift: 0 | 1): Feeds {
    const ids = new Int32Array(this.batch * length)
    const targets = new Int32Array(this.batch * length)
    const last = new Int32Array(this.batch)
    for (const [row, each] of batch.entries()) {
      const tokens = Array.from(each.ids)
      ids.set(tokens.slice(0, tokens.length - shift), row * length)
      targets.set(tokens.slice(1), row * length)
      last[row] = tokens.length - 1
    }
    return this.config.head === 'score' ? { ids, last } : { ids, targets }
  }

  async release(): Promise<void> {
    await Promise.all([this.programs.release(), this.weights.release()])
  }
}
