import type { Logger } from 'pino'
import type { Hex, PublicClient } from 'viem'
import type { ChainTransaction } from '#schema/offchain/ledger.ts'
import { toChainError } from './chainErrors.ts'
import { priceOf } from './fees.ts'
import type { Refusal } from './refusals.ts'
import { signedFees } from './signedTransactions.ts'

/** Blocks that must be mined without the transaction: one that stands still tells nothing about its fee. */
const MISSED_BLOCKS = 3n

/** Tells whether the transaction of the chain's next nonce needs a higher fee: the chain or the node asks more, or blocks are mined without it. */
export class StuckTransactions {
  private first: { hash: Hex; at: number; block: bigint } | undefined
  private warned: Hex | undefined

  constructor(
    private readonly client: Pick<PublicClient, 'getBlock'>,
    private readonly replaceAfterMs: number,
  ) {}

  async includes({ hash, raw }: ChainTransaction, refusal: Refusal | undefined): Promise<boolean> {
    const block = await this.client.getBlock().catch((cause) => {
      throw toChainError('Reading the newest block', cause)
    })
    if (this.first?.hash !== hash) this.first = { hash: hash as Hex, at: performance.now(), block: block.number }
    if (refusal === 'underpriced' || priceOf(signedFees(raw)) < (block.baseFeePerGas ?? 0n)) return true
    const { at, block: seen } = this.first
    return performance.now() - at >= this.replaceAfterMs && block.number - seen >= MISSED_BLOCKS
  }

  /** Says once of each transaction that its fee cannot be raised any more. */
  warnOnce({ id, nonce, hash }: ChainTransaction, log: Logger): void {
    if (this.warned === hash) return
    this.warned = hash as Hex
    log.error(
      { key: id, nonce },
      'MAX_FEE_GWEI: a transaction is not mined, and its fee is at the maximum. It waits until fees fall; raise MAX_FEE_GWEI to pay more',
    )
  }
}
