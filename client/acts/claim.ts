import type { Hex } from 'viem'
import { accountOf } from '../account.ts'
import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'

const PROOF = graphql(`
  query ($account: String!, $epoch: ID!) { rewardProof(account: $account, epoch: $epoch) { cumulative proof } }`)

/** Pays an account what the newest final reward map gives it and it has not claimed. @returns the amount in wei; 0 when there is nothing.
 *  @throws ClientError when no map is final yet. */
export async function claim(client: Client, account: Hex = accountOf(client)): Promise<bigint> {
  const epoch = await client.read('RewardDistributor', 'newestFinal', [])
  if (epoch === 0n)
    throw new ClientError('No reward map is final yet. A map is, when its challenge window is over without a dispute.')
  const { rewardProof } = await client.ask(PROOF, { account: account.toLowerCase(), epoch: epoch.toString() })
  if (!rewardProof) return 0n
  const cumulative = BigInt(rewardProof.cumulative)
  return Act.run(client, 'claim', { account, epoch }, async (act) => {
    const args = [epoch, account, cumulative, rewardProof.proof as Hex[]] as const
    // A claim that was sent before a crash is in the act's record: it comes before the question whether anything is left.
    if (!act.hasSent && (await client.read('RewardDistributor', 'claimed', [account])) >= cumulative) return 0n
    const mined = await act.send({ contract: 'RewardDistributor', functionName: 'claim', args })
    return eventOf(mined, 'RewardDistributor', 'RewardClaimed').args.amount
  })
}
