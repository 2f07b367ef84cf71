import type { RpcError } from '../rpc/errors.ts'

/** The number of blocks of one `eth_getLogs` request: it grows while answers are small, and shrinks when the node refuses. */

const SMALL_ANSWER = 3_000
const LARGE_ANSWER = 10_000
/** Small enough for a chain that is dense with events; a few answers suffice to grow to any size. It and its doubles are no multiples of five: where all
 *  blocks have the same number of logs, an answer seldom has a round number of them, as if it were cut. */
const FIRST_BLOCKS = 51

const positive = (value: number | undefined) => (value !== undefined && value >= 1 ? value : undefined)

/** The number of blocks that a refusal suggests: "Try with this block range [0x1, 0x3e8]", "limited to a 1000 block range". */
export function suggestedSize(reason: string): number | undefined {
  const pair = /\[\s*(0x[0-9a-f]+|\d+)\s*[,-]\s*(0x[0-9a-f]+|\d+)\s*\]/i.exec(reason)
  if (pair) return positive(Number(pair[2]) - Number(pair[1]) + 1)
  const blocks = /(\d[\d,_]*)\s*(k\b)?\s*-?blocks?/i.exec(reason) ?? /range\D{0,40}?(\d[\d,_]*)\s*(k\b)?/i.exec(reason)
  if (!blocks) return undefined
  const [, count = '', thousands] = blocks
  return positive(Number(count.replace(/[,_]/g, '')) * (thousands ? 1000 : 1))
}

/** The number of blocks to ask for after a refusal of `requested`, which are several. */
export function sizeAfter(requested: number, { reason }: Pick<RpcError, 'reason'>): number {
  const suggested = suggestedSize(reason)
  return Math.max(1, suggested !== undefined && suggested < requested ? suggested : Math.floor(requested / 2))
}

export class RangeSizer {
  private max = Number.POSITIVE_INFINITY

  constructor(private blocks = FIRST_BLOCKS) {}

  get size() {
    return this.blocks
  }

  /** Learns from an answer of `count` logs over `requested` blocks. */
  answered(requested: number, count: number) {
    if (count > LARGE_ANSWER) this.blocks = Math.max(1, Math.floor((requested * LARGE_ANSWER) / count))
    else if (count < SMALL_ANSWER && requested >= this.blocks) this.blocks = Math.min(this.max, this.blocks * 2)
  }

  /** Learns from a refusal of `requested` blocks. @throws the error when even one block is too much. */
  refused(requested: number, error: RpcError) {
    if (requested <= 1) throw error
    const suggested = suggestedSize(error.reason)
    // A refusal without a suggestion is about the size of the answer, which differs from block to block: the range may grow again.
    if (suggested !== undefined && suggested < requested) this.max = suggested
    this.blocks = sizeAfter(requested, error)
  }
}
