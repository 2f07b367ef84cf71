import { InconsistentChain } from '../errors.ts'
import type { BlockHeader } from '../rpc/answers.ts'
import { RpcError } from '../rpc/errors.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { headerCall } from './blockRange.ts'

/** The newest block of the chain, and which blocks are final. */

export interface Tip {
  head: BlockHeader
  /** The number of the last final block. */
  final: number
  /** Its header, where the node's own tag named it. */
  finalHeader?: BlockHeader
}

export interface FinalityOptions {
  /** Blocks behind the head that count as final; without it the node's tag decides, or 64 where the node does not know the tag. */
  confirmations?: number
  /** The node's tag of the final block: `finalized` (the default), or `safe`, which is newer and gives a weaker guarantee. */
  finality?: 'finalized' | 'safe'
}

const DEFAULT_CONFIRMATIONS = 64
/** How nodes say that they do not know a tag; any other refusal may be temporary. */
const UNKNOWN_TAG = /finalized|unknown block|safe|tag|invalid|unsupported|not supported|cannot unmarshal|hex string/i

export class TipReader {
  private knowsFinalityTag = true

  constructor(
    private readonly rpc: Rpc,
    private readonly options: FinalityOptions,
  ) {}

  async read(): Promise<Tip> {
    const { confirmations, finality = 'finalized' } = this.options
    const asksTag = this.knowsFinalityTag && confirmations === undefined
    const calls = [headerCall('latest'), ...(asksTag ? [headerCall(finality)] : [])]
    const [head, finalized] = (await this.rpc.batch(calls).catch(async (error) => {
      if (!asksTag || !(error instanceof RpcError) || !UNKNOWN_TAG.test(error.reason)) throw error
      const withoutTag = await this.rpc.batch([headerCall('latest')])
      this.knowsFinalityTag = false // only now: a node that refuses everything for a moment says nothing about the tag
      return withoutTag
    })) as (BlockHeader | null | undefined)[]
    if (!head) throw new InconsistentChain('The node has no latest block')
    const finalHeader = finalized ?? undefined
    const final = finalHeader?.number ?? head.number - (confirmations ?? DEFAULT_CONFIRMATIONS)
    return { head, final: Math.max(0, Math.min(final, head.number)), finalHeader }
  }

  /** The last final block, an ancestor of the head: the node's tag guarantees it, or else the links between the headers show it.
   *  @throws InconsistentChain when the headers are not of one chain. */
  async anchor({ head, final, finalHeader }: Tip, headers: HeaderReader): Promise<BlockHeader> {
    if (finalHeader) return finalHeader
    const numbers = Array.from({ length: head.number - final }, (_, index) => final + index)
    let first: BlockHeader | undefined
    let before: BlockHeader | undefined
    for (const [index, header] of [...(await headers(numbers)), head].entries()) {
      if (!header || (before && header.parentHash !== before.hash))
        throw new InconsistentChain(`Block ${final + index} does not follow the one before: the chain is changing`)
      first ??= header
      before = header
    }
    return first ?? head
  }
}

type HeaderReader = (numbers: readonly number[]) => Promise<(BlockHeader | null)[]>
