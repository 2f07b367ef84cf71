import type { ChainClient, DecodedReceipt } from './chain.ts'
import { GasLimitError } from './chainErrors.ts'

interface Batches<Item> {
  items: readonly Item[]
  /** The size of the first try; a batch that needs too much gas is halved. */
  maxItems: number
  /** The key of the transaction of `batch`, which begins at `start`. Batches of different sizes have different keys. */
  key(batch: readonly Item[], start: number): string
  send(key: string, batch: readonly Item[]): Promise<DecodedReceipt>
  onBatch?(start: number): void
}

/** Writes a list to the chain in transactions that fit into its blocks. What an earlier attempt has signed keeps the size that it had.
 *  @throws GasLimitError when a single item needs too much gas; otherwise as `send`. */
export async function transactInBatches<Item>(
  chain: Pick<ChainClient, 'signedTransaction'>,
  { items, maxItems, key, send, onBatch }: Batches<Item>,
): Promise<DecodedReceipt[]> {
  const receipts: DecodedReceipt[] = []
  const sizes = halvings(maxItems)
  let fitting = maxItems
  for (let start = 0; start < items.length; ) {
    onBatch?.(start)
    const from = start
    const batchOf = (size: number) => items.slice(from, from + size)
    let size = (await signedSize(chain, sizes, (each) => key(batchOf(each), from))) ?? fitting
    for (;;)
      try {
        receipts.push(await send(key(batchOf(size), from), batchOf(size)))
        break
      } catch (error) {
        if (!(error instanceof GasLimitError) || batchOf(size).length === 1) throw error
        size = fitting = sizes.find((each) => each < batchOf(size).length) ?? 1
      }
    start += size
  }
  return receipts
}

/** 50, 25, 13, 7, 4, 2, 1. */
function halvings(size: number): number[] {
  return size > 1 ? [size, ...halvings(Math.ceil(size / 2))] : [1]
}

async function signedSize(
  chain: Pick<ChainClient, 'signedTransaction'>,
  sizes: readonly number[],
  keyOf: (size: number) => string,
): Promise<number | undefined> {
  for (const size of sizes) {
    const signed = await chain.signedTransaction(keyOf(size))
    if (signed && signed.status !== 'Cancelled') return size
  }
}
