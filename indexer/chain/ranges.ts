import { RpcError } from '../rpc/rpc.ts'

/** How many blocks one `eth_getLogs` may ask for: found by trying, grown while answers are small, shrunk when the node refuses. */

const SMALL_ANSWER = 3_000
const LARGE_ANSWER = 10_000
/** A few answers are enough to grow to any size, and where events are dense the first is not too large. */
const FIRST_BLOCKS = 50

/** Whether a node's refusal means "ask for less": providers have no common code for it. */
export const isLimit = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  (error.code === -32005 ||
    error.code === -32602 ||
    error.code === 413 ||
    /range|limit|too (large|many|big|long|wide)|exceed|more than \d+|timeout|timed out|response size|max(imum)? .*block/i.test(
      error.reason,
    ))

const positive = (value: number | undefined) => (value !== undefined && value >= 1 ? value : undefined)

/** The span of blocks that a refusal suggests: "Try with this block range [0x1, 0x3e8]", "limited to a 1000 block range". */
export function suggestedSpan(reason: string): number | undefined {
  const pair = /\[\s*(0x[0-9a-f]+|\d+)\s*[,-]\s*(0x[0-9a-f]+|\d+)\s*\]/i.exec(reason)
  if (pair) return positive(Number(pair[2]) - Number(pair[1]) + 1)
  const blocks = /(\d[\d,_]*)\s*(k\b)?\s*-?blocks?/i.exec(reason) ?? /range\D{0,40}?(\d[\d,_]*)\s*(k\b)?/i.exec(reason)
  if (!blocks) return undefined
  return positive(Number(blocks[1]!.replace(/[,_]/g, '')) * (blocks[2] ? 1000 : 1))
}

export class Span {
  private most = Number.POSITIVE_INFINITY

  constructor(private blocks = FIRST_BLOCKS) {}

  get size() {
    return this.blocks
  }

  /** Learns from an answer of `count` logs over `asked` blocks. */
  answered(asked: number, count: number) {
    if (count > LARGE_ANSWER) this.blocks = Math.max(1, Math.floor((asked * LARGE_ANSWER) / count))
    else if (count < SMALL_ANSWER && asked >= this.blocks) this.blocks = Math.min(this.most, this.blocks * 2)
  }

  /** Learns from a refusal of `asked` blocks. @throws the error when one block is too much already. */
  refused(asked: number, error: RpcError) {
    if (asked <= 1) throw error
    const suggested = suggestedSpan(error.reason)
    const next = suggested !== undefined && suggested < asked ? suggested : Math.floor(asked / 2)
    // A range without a suggestion was refused for its answer's size, which other blocks need not have: it may grow again.
    if (suggested !== undefined && suggested < asked) this.most = suggested
    this.blocks = Math.max(1, next)
  }
}
