import type { Weights } from '#engine/formats/weights.ts'
import { type Feeds, onnxRuntime, ProgramCache, type Runner, type Tensor, tensor } from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { feedsOf } from '#engine/model/inputs.ts'
import type { LoraConfig } from '#engine/model/lora.ts'
import { checkWeights } from '#engine/model/parameters.ts'
import { Random } from '#engine/stats/random.ts'
import { type DecodeShape, decodeGraph } from './decode.ts'

/** One text to continue. */
export interface GenerationRequest {
  prompt: ArrayLike<number>
  /** Most new tokens. */
  maxTokens: number
  /** 0 (the default) takes the likeliest token. */
  temperature?: number
  /** Draws among so many of the likeliest tokens. */
  topK?: number
  /** Draws among the likeliest tokens that together have this probability, above 0. */
  topP?: number
  /** Draws among tokens with at least this share of the likeliest one's probability. */
  minP?: number
  /** Of this request alone: whatever else is in the batch, the same seed gives the same tokens. Default 0. */
  seed?: number | string
  /** Which of the generator's adapters; default the first. */
  adapter?: number
}

export interface Generation {
  /** New tokens, without the one that ended them. */
  tokens: number[]
  /** Natural log-probability of every sampled token at temperature 1, the ending one's included. */
  logProbabilities: number[]
  /** `stop`: the end token came; `length`: there was no more room. */
  finish: 'stop' | 'length'
}

export interface GeneratorOptions {
  config: ModelConfig
  weights: Weights
  lora?: LoraConfig
  /** Adapters of one configuration; rows of a batch may use different ones. */
  adapters?: readonly Weights[]
  /** The token that ends a text. */
  endId: number | null
  runner?: Runner
  /** Most rows in one run. Default 32. */
  batch?: number
}

/** Continues texts. Requests run in batches of like length; each row is the same whatever stands beside it. */
export class Generator {
  private readonly options: Required<Pick<GeneratorOptions, 'config' | 'endId' | 'batch'>> & GeneratorOptions
  private readonly weights: Record<string, Tensor>
  private readonly programs: ProgramCache<string>
  private adapterFeeds: Record<string, Tensor> = {}
  private adapters: readonly Weights[] = []

  constructor(options: GeneratorOptions) {
    const { lora, adapters = [], runner = onnxRuntime() } = options
    if (!lora !== (adapters.length === 0))
      throw new Error('Adapters and their configuration (lora) are given together.')
    this.options = { batch: 32, ...options }
    this.weights = feedsOf(checkWeights(options.config, options.weights))
    this.setAdapters(adapters)
    this.programs = new ProgramCache((key) => runner.compile(decodeGraph(options.config, lora, JSON.parse(key))), 16)
  }

  /** Exchanges the adapters for as many others of the same configuration. */
  setAdapters(adapters: readonly Weights[]): void {
    this.adapters = adapters
    if (adapters.length <= 1) this.adapterFeeds = feedsOf(adapters[0] ?? new Map())
    else this.adapterFeeds = feedsOf(stack(adapters))
  }

  /** Continues every request, in order. @throws Error naming the request that does not fit the model. */
  async generate(requests: readonly GenerationRequest[], signal?: AbortSignal): Promise<Generation[]> {
    const { config, batch } = this.options
    for (const [index, request] of requests.entries()) this.check(request, index)
    const results = new Array<Generation>(requests.length)
    const order = Array.from(requests.keys()).sort(
      (a, b) => requests[a]!.prompt.length - requests[b]!.prompt.length || a - b,
    )
    for (let from = 0; from < order.length; from += batch) {
      signal?.throwIfAborted()
      const chosen = order.slice(from, from + batch)
      const rows = chosen.map((index) => requests[index]!)
      const prompt = bucketLength(Math.max(...rows.map((row) => row.prompt.length)), config.max_position_embeddings)
      const limit = bucketLength(Math.max(...rows.map((row) => row.maxTokens)))
      const filtered = rows.some(isFiltered)
      const shape = { batch: rowBucket(rows.length, batch), prompt, limit, adapters: this.adapters.length, filtered }
      const found = await this.run(shape, rows)
      chosen.forEach((index, row) => {
        results[index] = found[row]!
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
    return results
  }

  private check(request: GenerationRequest, index: number): void {
    const { prompt, maxTokens, temperature = 0, adapter = 0, topK = 1, topP = 1, minP = 0 } = request
    const { max_position_embeddings: room, vocab_size: vocabulary } = this.options.config
    if (prompt.length === 0) throw new Error(`Request ${index} has an empty prompt; give it at least one token.`)
    if (!(Number.isInteger(maxTokens) && maxTokens >= 1))
      throw new Error(`Request ${index} asks for ${maxTokens} tokens; ask for at least 1.`)
    if (prompt.length + maxTokens > room)
      throw new Error(
        `Request ${index}: ${prompt.length} tokens and ${maxTokens} new ones pass the model's ${room}. Shorten the prompt or ask for fewer.`,
      )
    if (!(temperature >= 0 && Number.isFinite(temperature)))
      throw new Error(`Request ${index} has temperature ${temperature}; it must be 0 or more.`)
    if (!(Number.isInteger(topK) && topK >= 1))
      throw new Error(`Request ${index} has topK ${topK}; it is a whole number from 1.`)
    if (!(topP > 0 && topP <= 1)) throw new Error(`Request ${index} has topP ${topP}; it lies above 0, up to 1.`)
    if (!(minP >= 0 && minP <= 1)) throw new Error(`Request ${index} has minP ${minP}; it lies from 0 to 1.`)
    if (adapter !== 0 && adapter >= this.adapters.length)
      throw new Error(`Request ${index} names adapter ${adapter}; there are ${this.adapters.length}.`)
    for (let t = 0; t < prompt.length; t++)
      if (!(prompt[t]! >= 0 && prompt[t]! < vocabulary))
        throw new Error(`Request ${index} has token ${prompt[t]}; the vocabulary has ${vocabulary}.`)
  }

  private async run(shape: DecodeShape, rows: readonly GenerationRequest[]): Promise<Generation[]> {
    const { endId } = this.options
    const { batch: B, prompt: P, limit: N } = shape
    const program = await this.programs.get(JSON.stringify(shape))
    const ids = new Int32Array(B * P)
    const lengths = new Int32Array(B).fill(1)
    const temperature = new Float32Array(B)
    const uniform = new Float32Array(N * B)
    const which = new Int32Array(B)
    rows.forEach((row, index) => {
      ids.set(Array.from(row.prompt), index * P)
      lengths[index] = row.prompt.length
      temperature[index] = row.temperature ?? 0
      which[index] = row.adapter ?? 0
      const random = new Random(`generate/${row.seed ?? 0}`)
      for (let n = 0; n < N; n++) uniform[n * B + index] = random.uniform()
    })
    const trips = Math.max(...rows.map((row) => row.maxTokens))
    const feeds: Feeds = {
      ...this.weights,
      ...this.adapterFeeds,
      ids: tensor(ids, [B, P]),
      lengths,
      temperature: tensor(temperature, [B, 1]),
      uniform: tensor(uniform, [N, B]),
      end: endId ?? -1,
      trips: tensor(BigInt64Array.of(BigInt(trips)), []),
      ...(shape.adapters > 1 ? { which } : {}),
      ...(shape.filtered ? filterFeeds(rows, B, this.options.config.vocab_size) : {}),
    }
    const { tokens, logProbabilities } = await program.run(feeds)
    return rows.map((row, index) => readRow(row, index, B, tokens!, logProbabilities!, endId))
  }

  release(): Promise<void> {
    return this.programs.release()
  }
}

const isFiltered = ({ temperature = 0, topK, topP = 1, minP = 0 }: GenerationRequest): boolean =>
  temperature > 0 && (topK !== undefined || topP < 1 || minP > 0)

/** Feeds of the filters; a row without one keeps every token. */
function filterFeeds(rows: readonly GenerationRequest[], batch: number, vocabulary: number): Feeds {
  const topK = new Int32Array(batch).fill(vocabulary)
  const topP = new Float32Array(batch).fill(2) // above any sum of shares
  const minP = new Float32Array(batch)
  rows.forEach((row, index) => {
    if (row.topK !== undefined) topK[index] = Math.min(row.topK, vocabulary)
    if (row.topP !== undefined && row.topP < 1) topP[index] = row.topP
    minP[index] = row.minP ?? 0
  })
  const column = [batch, 1]
  return { topK: tensor(topK, column), topP: tensor(topP, column), minP: tensor(minP, column) }
}

function readRow(
  { maxTokens }: GenerationRequest,
  row: number,
  batch: number,
  tokens: Tensor,
  logProbabilities: Tensor,
  endId: number | null,
): Generation {
  const found: Generation = { tokens: [], logProbabilities: [], finish: 'length' }
  const made = tokens.data.length / batch
  for (let n = 0; n < Math.min(maxTokens, made); n++) {
    const token = Number(tokens.data[n * batch + row])
    found.logProbabilities.push(Number(logProbabilities.data[n * batch + row]))
    if (token === endId) {
      found.finish = 'stop'
      break
    }
    found.tokens.push(token)
  }
  return found
}

/** 1, 2, 4, 8, … rows, so that few programs are compiled. */
function rowBucket(rows: number, most: number): number {
  let size = 1
  while (size < rows) size *= 2
  return Math.min(size, most)
}

/** Adapters (r,in) stacked to (N,r,in). */
function stack(adapters: readonly Weights[]): Weights {
  const stacked: Weights = new Map()
  for (const [name, { shape, data }] of adapters[0]!) {
    const all = new Float32Array(data.length * adapters.length)
    adapters.forEach((adapter, index) => {
      const own = adapter.get(name)
      if (own?.data.length !== data.length) throw new Error(`Adapter ${index} has another ${name} than the first.`)
      all.set(own.data, index * data.length)
    })
    stacked.set(name, { shape: [adapters.length, ...shape], data: all })
  }
  return stacked
}
