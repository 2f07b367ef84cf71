import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/**
 * Draws the seats of a round, where its workers did not: from one block after the block of its seed on, anybody may. When the chain does not know that block's
 * hash any more (after 256 blocks), the seats wait for a later block; draw again after that one.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, drawSeats } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(drawSeats(client, 99n), /FeedbackPool.drawSeats is refused/) // there is no such round
 * ```
 */
export const drawSeats = (client: Client, roundId: bigint): Promise<void> =>
  Act.run(client, 'drawSeats', { roundId }, async (act) => {
    await act.send({ contract: 'FeedbackPool', functionName: 'drawSeats', args: [roundId] })
  })
