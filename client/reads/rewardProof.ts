import type { Hex } from 'viem'
import { verifyProof } from '#rules/merkle.ts'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'

const PROOF = graphql(`
  query ($account: String!, $epoch: ID!) { rewardProof(account: $account, epoch: $epoch) { cumulative proof } }`)

/** What an account is granted by the map of an epoch and of all before, in wei, with the proof for `RewardDistributor.claim`. */
export interface ProvenReward {
  cumulative: bigint
  proof: Hex[]
}

/**
 * Reads an account's reward and verifies its proof against the root on the chain: no API can state another amount.
 * @returns undefined when the API says that the map pays the account nothing: that has no proof.
 * @throws ClientError when the proof does not lead to the root.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, provenReward } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(provenReward(client, 1n), /There is no reward map of epoch 1/) // else { cumulative, proof }
 * ```
 */
export async function provenReward(
  client: Client,
  epoch: bigint,
  account: Hex = accountOf(client),
): Promise<ProvenReward | undefined> {
  const { rewardProof } = await client.ask(PROOF, { account: account.toLowerCase(), epoch: epoch.toString() })
  if (!rewardProof) return undefined
  const { chainId, addresses } = client.deployment
  const root = await client.read('RewardDistributor', 'rootOf', [epoch])
  const reward = { cumulative: BigInt(rewardProof.cumulative), proof: rewardProof.proof as Hex[] }
  const place = { chain: BigInt(chainId), distributor: addresses.RewardDistributor, epoch }
  if (verifyProof(root, { ...place, account, cumulative: reward.cumulative }, reward.proof)) return reward
  throw new ClientError(
    `The API says that ${account} is granted ${reward.cumulative} wei by epoch ${epoch}, but its proof does not lead to the root of the map on the chain (${root}). Connect to another API.`,
  )
}
