import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { provenReward } from '../reads/rewardProof.ts'

/**
 * Pays an account what the newest final reward map gives it and it has not claimed. @returns the amount in wei; 0 when there is nothing.
 * @throws ClientError when the API gives a false proof.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { claim, connect } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.equal(await claim(client), 0n) // no map is final yet: nextFinalMap(client)
 * ```
 */
export async function claim(client: Client, account: Hex = accountOf(client)): Promise<bigint> {
  const epoch = await client.read('RewardDistributor', 'newestFinal', [])
  if (epoch === 0n) return 0n
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
