import { Constraint } from '#engine/grammar/constraint.ts'
import { Random } from '#engine/stats/random.ts'
import type { GenerationRequest, TokenStep, TopToken } from './request.ts'

/** Who wants a request's tokens. */
export interface Listener {
  step(step: TokenStep): void
  fail(error: unknown): void
  /** Whether nobody wants them any more. */
  readonly gone: boolean
}

/** A request that runs: what it has drawn, and what its next draw depends on. Nothing here knows of other rows. */
export class Sequence {
  /** Tokens that the cache holds. */
  length: number
  /** The token to be read next. */
  pending: number
  /** 1 for each token of the prompt and the answer. */
  readonly seen: Uint8Array | undefined
  finished = false
  private readonly random: Random
  private readonly constraint: Constraint | undefined
  private drawn = 0

  constructor(
    readonly request: GenerationRequest,
    readonly listener: Listener,
    private readonly endId: number | null,
    vocabulary: number,
  ) {
    const { prompt, repetitionPenalty = 1, grammar, seed = 0 } = request
    this.length = prompt.length - 1
    this.pending = prompt[this.length]!
    this.random = new Random(`generate/${seed}`)
    this.constraint = grammar && new Constraint(grammar, endId)
    if (repetitionPenalty !== 1) {
      this.seen = new Uint8Array(vocabulary)
      for (const token of Array.from(prompt)) this.seen[token] = 1
    }
  }

  /** Places of the cache that the request may need. */
  get need(): number {
    return this.request.prompt.length + this.request.maxTokens - 1
  }

  /** Whether it goes on. */
  get wanted(): boolean {
    return !this.finished && !this.listener.gone
  }

  get remaining(): number {
    return this.request.maxTokens - this.drawn
  }

  /** The number in [0, 1) that the next token is drawn with; the n-th token always has the n-th number. */
  uniform(): number {
    return this.random.uniform()
  }

  /** 1 for each token that may come next; undefined when all may. */
  allowed(): Uint8Array | undefined {
    return this.constraint?.allowed(this.remaining)
  }

  /** Takes the next token and tells the listener. */
  accept(token: number, logProbability: number, top?: readonly TopToken[]): void {
    this.drawn++
    this.length++
    this.pending = token
    if (this.seen) this.seen[token] = 1
    const end = token === this.endId
    if (!end) this.constraint?.advance(token)
    const whole = end || this.constraint?.complete
    this.finished = whole || this.remaining === 0
    const finish = whole || (this.finished && this.constraint?.accepts) ? 'stop' : 'length'
    this.listener.step({ token, end, logProbability, ...(top && { top }), ...(this.finished && { finish }) })
  }
}
