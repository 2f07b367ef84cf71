import type { ChainClient } from '../chain.ts'

/** The time from a block to the chain's newest one. */
export async function secondsSince(
  { client, now }: Pick<ChainClient, 'client' | 'now'>,
  block: number,
): Promise<number> {
  const { timestamp } = await client.getBlock({ blockNumber: BigInt(block) })
  return (await now()) - Number(timestamp)
}
