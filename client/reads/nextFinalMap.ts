import type { Client } from '../client.ts'

/** The reward map that becomes final next. */
export interface NextFinalMap {
  epoch: bigint
  /** When its challenge window is over: it is final then, unless a dispute about it is open. */
  finalAt: Date
}

/**
 * Reads which reward map becomes final next; undefined while no newer one than the final ones is published.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, nextFinalMap } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * assert.equal(await nextFinalMap(client), undefined) // else { epoch, finalAt }
 * ```
 */
export async function nextFinalMap(client: Client): Promise<NextFinalMap | undefined> {
  const epoch = (await client.read('RewardDistributor', 'newestFinal', [])) + 1n
  const [[, , publishedAt], window] = await Promise.all([
    client.read('RewardDistributor', 'maps', [epoch]),
    client.read('RewardDistributor', 'challengeWindow', []),
  ])
  return publishedAt === 0n ? undefined : { epoch, finalAt: new Date(Number(BigInt(publishedAt) + window) * 1000) }
}
