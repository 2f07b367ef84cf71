import type { Address, PublicClient, Transaction } from 'viem'

/** The mined transaction of an account with this nonce: the block in which the account's count passed it is searched by halving. Needs a node that
 *  knows the state of the blocks since then. Undefined when it is not mined. */
export async function findByNonce(
  node: PublicClient,
  address: Address,
  nonce: number,
): Promise<Transaction | undefined> {
  const countAt = (blockNumber: bigint) => node.getTransactionCount({ address, blockNumber })
  let high = await node.getBlockNumber({ cacheTime: 0 })
  if ((await countAt(high)) <= nonce) return undefined
  let low = high
  for (let step = 1n; low > 0n && (await countAt(low)) > nonce; step *= 2n) {
    high = low
    low = low > step ? low - step : 0n
  }
  while (low < high) {
    const middle = (low + high) / 2n
    if ((await countAt(middle)) > nonce) high = middle
    else low = middle + 1n
  }
  const { transactions } = await node.getBlock({ blockNumber: high, includeTransactions: true })
  return transactions.find((one) => one.nonce === nonce && one.from.toLowerCase() === address.toLowerCase())
}
