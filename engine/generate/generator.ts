import { setMaxListeners } from 'node:events'
import type { Weights } from '#engine/formats/weights.ts'
import { type GraphRunner, onnxRuntime } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { feedsOf } from '#engine/model/inputs.ts'
import type { LoraConfig } from '#engine/model/lora.ts'
import { checkWeights } from '#engine/model/parameters.ts'
import { DecodingBatch } from './decodingBatch.ts'
import { checkRequest, type Generation, type GenerationRequest, type TokenStep } from './request.ts'
import { Sequence } from './sequence.ts'

export interface GeneratorOptions {
  config: ModelConfig
  weights: Weights
  /** Configuration of the adapters that requests may have. */
  lora?: LoraConfig
  /** The tokens that end an answer; empty if the model has none. */
  endIds: readonly number[]
  runner?: GraphRunner
  /** Maximum number of sequences in the batch. Default 32. */
  batch?: number
  /** Told after each run of the batch how many sequences shared it. */
  onRun?(sequences: number): void
}

/**
 * Generates text with continuous batching: requests join the running batch as soon as a row is free and leave it when they
 * end (Yu et al., "Orca", 2022). The result of a request does not depend on the other requests in the batch.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { Generator } from '#engine/generate/generator.ts'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const generator = new Generator({ config, weights: initialWeights(config, 1), endIds: [] })
 * const request = { prompt: [1, 2, 3], maxTokens: 4, temperature: 0.8, seed: 7 }
 * const [answer] = await generator.generate([request])
 * const tokens: number[] = []
 * for await (const { token } of generator.stream(request)) tokens.push(token)
 * assert.deepEqual(tokens, answer?.tokens) // the same seed gives the same tokens
 * await generator.release()
 * ```
 */
export class Generator {
  private readonly config: ModelConfig
  private readonly endIds: readonly number[]
  private readonly batch: DecodingBatch
  private readonly onRun: GeneratorOptions['onRun']
  private waiting: Sequence[] = []
  /** The run in progress. */
  private running: Promise<void> | undefined

  constructor({ config, weights, lora, endIds, runner = onnxRuntime(), batch = 32, onRun }: GeneratorOptions) {
    this.onRun = onRun
    this.config = config
    this.endIds = endIds
    const model = { config, lora, fused: runner.fused }
    this.batch = new DecodingBatch(model, feedsOf(checkWeights(config, weights)), runner, batch)
  }

  /** Generates for every request, in order. @throws Error that names an invalid request, or the signal's reason. */
  async generate(requests: readonly GenerationRequest[], signal?: AbortSignal): Promise<Generation[]> {
    for (const [index, request] of requests.entries()) this.check(request, index)
    const others = new AbortController() // when one request fails, the others end
    const either = signal ? AbortSignal.any([signal, others.signal]) : others.signal
    setMaxListeners(0, either)
    try {
      return await Promise.all(requests.map((request) => collect(this.stream(request, either))))
    } finally {
      others.abort()
    }
  }

  /**
   * Streams the tokens of one request; the last one has `finish`. Leaving the loop early, or aborting, frees the row before
   * the next run.
   */
  async *stream(request: GenerationRequest, signal?: AbortSignal): AsyncGenerator<TokenStep, void, undefined> {
    this.check(request, 0)
    signal?.throwIfAborted()
    const steps: TokenStep[] = []
    let failure: { error: unknown } | undefined
    let wake = () => {}
    const listener = {
      gone: false,
      step(step: TokenStep) {
        steps.push(step)
        wake()
      },
      fail(error: unknown) {
        failure ??= { error }
        wake()
      },
    }
    const abort = () => listener.fail(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    this.waiting.push(new Sequence(request, listener, this.endIds, this.config.vocab_size))
    this.start()
    try {
      for (;;) {
        if (failure) throw failure.error
        const step = steps.shift()
        if (step) yield step
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        if (step?.finish) return
      }
    } finally {
      listener.gone = true
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Number of requests that run or wait. */
  get load(): number {
    return [...this.batch.active, ...this.waiting].filter((row) => row.isWanted).length
  }

  private check(request: GenerationRequest, index: number): void {
    checkRequest(request, this.config, index)
    if (request.adapter) this.batch.adapters.check(request.adapter)
  }

  private start(): void {
    this.running ??= this.run()
  }

  /** Runs the batch until no request is left. An error fails all requests in the batch; later ones start with an empty batch. */
  private async run(): Promise<void> {
    for (;;) {
      // A run blocks the event loop. Yield, so that simultaneous requests start together and listeners can leave.
      await new Promise((resolve) => setImmediate(resolve))
      this.batch.prune()
      this.waiting = this.waiting.filter((row) => row.isWanted)
      if (this.load === 0) {
        this.running = undefined
        return
      }
      const added = this.waiting.splice(0, this.batch.freeRows)
      try {
        if (added.length > 0) await this.batch.admit(added)
        const sequences = this.batch.active.length
        await this.batch.advance()
        this.onRun?.(sequences)
      } catch (error) {
        for (const { listener } of [...this.batch.active, ...added]) listener.fail(error)
        this.batch.clear()
      }
    }
  }

  /** Frees the compiled programs after all requests have ended. */
  async release(): Promise<void> {
    await this.running
    await this.batch.release()
  }
}

async function collect(steps: AsyncIterable<TokenStep>): Promise<Generation> {
  const found: Generation = { tokens: [], logProbabilities: [], finish: 'length', cachedTokens: 0 }
  for await (const { token, end, logProbability, top, finish, cachedTokens } of steps) {
    found.cachedTokens = cachedTokens
    if (!end) found.tokens.push(token)
    found.logProbabilities.push(logProbability)
    if (top) (found.top ??= []).push(top)
    if (finish) found.finish = finish
  }
  return found
}
