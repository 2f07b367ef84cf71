import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { provenReward } from '../reads/rewardProof.ts'

/**
 * Pays an account what the newest final reward map gives it and it has not claimed. @returns the amount in wei; 0 when there is nothing.
 * @throws ClientError when no map is final yet, or when the API gives a false proof.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { claim, connect } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(claim(client), /No reward map is final yet/) // else the amount in wei
 * ```
 */
export async function claim(client: Client, account: Hex = accountOf(client)): Promise<bigint> {
  const epoch = await client.read('RewardDistributor', 'newestFinal', [])
  if (epoch === 0n)
    throw new ClientError('No reward map is final yet. A map is, when its challenge window is over without a dispute.')
  const reward = await provenReward(client, epoch, account)
  if (!reward) return 0n
  const { cumulative, proof } = reward
  return Act.run(client, 'claim', { account, epoch }, async (act) => {
    // Kept, because the claim of before a crash may be mined.
    const before = BigInt(
      await act.keep('before', async () => (await client.read('RewardDistributor', 'claimed', [account])).toString()),
    )
    if (before >= cumulative) return 0n
    const args = [epoch, account, cumulative, proof] as const
    await act.send({ contract: 'RewardDistributor', functionName: 'claim', args })
    return cumulative - before
  })
}
