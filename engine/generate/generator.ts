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
  /** Of all adapters that requests bring. */
  lora?: LoraConfig
  /** The token that ends a text. */
  endId: number | null
  runner?: GraphRunner
  /** Most rows at a time. Default 32. */
  batch?: number
}

/**
 * Continues texts, many at a time: requests join the running batch as soon as a row is free and leave it when they end
 * (Yu et al., "Orca", 2022). What stands beside a request changes nothing in what it gets.
 */
export class Generator {
  private readonly config: ModelConfig
  private readonly endId: number | null
  private readonly batch: DecodingBatch
  private waiting: Sequence[] = []
  /** The run under way. */
  private running: Promise<void> | undefined

  constructor({ config, weights, lora, endId, runner = onnxRuntime(), batch = 32 }: GeneratorOptions) {
    this.config = config
    this.endId = endId
    const model = { config, lora, fused: runner.fused }
    this.batch = new DecodingBatch(model, feedsOf(checkWeights(config, weights)), runner, batch)
  }

  /** Continues every request, in order. @throws Error naming the request that does not fit, or the signal's reason. */
  async generate(requests: readonly GenerationRequest[], signal?: AbortSignal): Promise<Generation[]> {
    for (const [index, request] of requests.entries()) this.check(request, index)
    const rest = new AbortController()
    const either = signal ? AbortSignal.any([signal, rest.signal]) : rest.signal
    setMaxListeners(0, either)
    try {
      return await Promise.all(requests.map((request) => collect(this.stream(request, either))))
    } finally {
      rest.abort()
    }
  }

  /**
   * The tokens of one request as they come; the last has `finish`. Leaving the loop early or aborting frees the row
   * before the next run.
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
    const abort = () => listener.fail(signal!.reason)
    signal?.addEventListener('abort', abort, { once: true })
    this.waiting.push(new Sequence(request, listener, this.endId, this.config.vocab_size))
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

  /** Rows that run or wait. */
  get load(): number {
    return [...this.batch.active, ...this.waiting].filter((row) => row.wanted).length
  }

  private check(request: GenerationRequest, index: number): void {
    checkRequest(request, this.config, index)
    if (request.adapter) this.batch.adapters.check(request.adapter)
  }

  private start(): void {
    this.running ??= this.run()
  }

  /** Runs the batch until nobody waits for anything. A fault fails every request, and the next one starts afresh. */
  private async run(): Promise<void> {
    for (;;) {
      // A run blocks the event loop: let others in, so that requests of one moment begin together, and let listeners leave.
      await new Promise((resolve) => setImmediate(resolve))
      this.batch.prune()
      this.waiting = this.waiting.filter((row) => row.wanted)
      if (this.load === 0) {
        this.running = undefined
        return
      }
      const fresh = this.waiting.splice(0, this.batch.free)
      try {
        if (fresh.length > 0) await this.batch.admit(fresh)
        await this.batch.advance()
      } catch (error) {
        for (const { listener } of [...this.batch.active, ...fresh]) listener.fail(error)
        this.batch.clear()
      }
    }
  }

  /** Gives the compiled graphs back, once nobody waits for an answer. */
  async release(): Promise<void> {
    await this.running
    await this.batch.release()
  }
}

async function collect(steps: AsyncIterable<TokenStep>): Promise<Generation> {
  const found: Generation = { tokens: [], logProbabilities: [], finish: 'length' }
  for await (const { token, end, logProbability, top, finish } of steps) {
    if (!end) found.tokens.push(token)
    found.logProbabilities.push(logProbability)
    if (top) (found.top ??= []).push(top)
    if (finish) found.finish = finish
  }
  return found
}
