import type { Address, PublicClient, Transaction } from 'viem'

type HistoryClient = Pick<PublicClient, 'getBlockNumber' | 'getTransactionCount' | 'getBlock'>

/** The transaction by which `sender` used a nonce, found by the account's nonce at earlier blocks. Undefined when the nonce is unused, or when the node
 *  does not keep the state of that time: full nodes keep about the last 128 blocks. */
export async function minedWithNonce(
  client: HistoryClient,
  sender: Address,
  nonce: number,
): Promise<Transaction | undefined> {
  const isUsedAt = async (blockNumber: bigint) =>
    (await client.getTransactionCount({ address: sender, blockNumber })) > nonce
  try {
    let used = await client.getBlockNumber()
    if (!(await isUsedAt(used))) return undefined
    let unused = used - 1n
    for (let step = 1n; unused >= 0n && (await isUsedAt(unused)); step *= 2n) {
      used = unused
      unused -= step
    }
    while (used - unused > 1n) {
      const middle = (used + unused) / 2n
      if (await isUsedAt(middle)) used = middle
      else unused = middle
    }
    const { transactions } = await client.getBlock({ blockNumber: used, includeTransactions: true })
    return transactions.find((one) => one.nonce === nonce && one.from.toLowerCase() === sender)
  } catch {
    return undefined
  }
}
