import { Constraint } from '#engine/grammar/constraint.ts'
import { Random } from '#math/random.ts'
import type { GenerationRequest, TokenStep, TopToken } from './request.ts'

/** Receives the tokens of a request. */
export interface Listener {
  step(step: TokenStep): void
  fail(error: unknown): void
  /** Whether the receiver has stopped listening. */
  readonly gone: boolean
}

/** A request in the running batch: its sampled tokens and the state of its next one. It does not depend on other sequences. */
export class Sequence {
  /** The prompt and the answer so far. The last one is what the next step reads; the others are in the cache. */
  readonly tokens: number[]
  /** Tokens of the prompt that were not read again. */
  cachedTokens = 0
  /** 1 for each token of the prompt and of the answer; only with a repetition penalty. */
  readonly seen: Uint8Array | undefined
  /** How often the answer has each token, and what is added to the logits; only with presence or frequency penalty or biases. */
  readonly counts: Float32Array | undefined
  readonly bias: Float32Array | undefined
  isFinished = false
  private readonly random: Random
  private readonly constraint: Constraint | undefined

  constructor(
    readonly request: GenerationRequest,
    readonly listener: Listener,
    private readonly endIds: readonly number[],
    vocabulary: number,
  ) {
    const {
      repetitionPenalty = 1,
      presencePenalty = 0,
      frequencyPenalty = 0,
      logitBias = {},
      grammar,
      seed = 0,
    } = request
    this.tokens = Array.from(request.prompt)
    if (this.tokens.length === 0) throw new Error('The prompt is empty; give it at least one token.')
    this.random = new Random(`generate/${seed}`)
    this.constraint = grammar && new Constraint(grammar, endIds)
    if (repetitionPenalty !== 1) {
      this.seen = new Uint8Array(vocabulary)
      for (const token of this.tokens) this.seen[token] = 1
    }
    const biases = Object.entries(logitBias)
    if (presencePenalty !== 0 || frequencyPenalty !== 0 || biases.length > 0) {
      this.counts = new Float32Array(vocabulary)
      this.bias = new Float32Array(vocabulary)
      for (const [token, bias] of biases) this.bias[Number(token)] = bias
    }
  }

  /** Number of tokens in the cache. */
  get length(): number {
    return this.tokens.length - 1
  }

  /** The token that the next step reads. */
  get pendingToken(): number {
    return this.tokens.at(-1) as number
  }

  /** Number of cache positions that the request may need. */
  get cacheLength(): number {
    return this.request.prompt.length + this.request.maxTokens - 1
  }

  /** Whether more tokens are needed: it has not finished, and its receiver has not stopped listening. */
  get isWanted(): boolean {
    return !this.isFinished && !this.listener.gone
  }

  get remaining(): number {
    return this.request.prompt.length + this.request.maxTokens - this.tokens.length
  }

  /** The number in [0, 1) that samples the next token. The n-th token always has the n-th number of the seed. */
  uniform(): number {
    return this.random.uniform()
  }

  /** 1 for each token that may come next; undefined if all may. */
  allowed(): Uint8Array | undefined {
    return this.constraint?.allowed(this.remaining)
  }

  /** Adds the next token and passes it to the listener. */
  accept(token: number, logProbability: number, top?: readonly TopToken[]): void {
    this.tokens.push(token)
    if (this.seen) this.seen[token] = 1
    if (this.counts) this.counts[token] = (this.counts[token] ?? 0) + 1
    const end = this.endIds.includes(token)
    if (!end) this.constraint?.advance(token)
    const complete = end || this.constraint?.complete
    this.isFinished = complete || this.remaining === 0
    const finish = complete || (this.isFinished && this.constraint?.accepts) ? 'stop' : 'length'
    const { cachedTokens } = this
    this.listener.step({
      token,
      end,
      logProbability,
      cachedTokens,
      ...(top && { top }),
      ...(this.isFinished && { finish }),
    })
  }
}
