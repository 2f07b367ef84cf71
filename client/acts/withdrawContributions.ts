import { withdrawalData } from '#rules/signing.ts'
import { walletOf } from '../account.ts'
import type { Client } from '../client.ts'
import { graphql } from '../graphql/document.ts'

const WITHDRAW = graphql(`
  mutation ($ids: [ID!]!, $reason: String!, $signature: String!, $key: String!) {
    withdrawContributions(contributionIds: $ids, reason: $reason, signature: $signature, idempotencyKey: $key) { id at }
  }`)

/**
 * Takes back contributions of the account for good: no dataset to come has them, the versions that learned from them are marked, and their hosts are
 * told. What they have earned, and their stakes, stay. Nothing goes to the chain.
 * @returns the ids of those that are withdrawn now.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, withdrawContributions } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const taken = withdrawContributions(client, { ids: [999n], reason: 'I had no right to give it.' })
 * await assert.rejects(taken, /999/) // else the ids that are withdrawn now
 * ```
 */
export async function withdrawContributions(
  client: Client,
  { ids, reason }: { ids: readonly bigint[]; reason: string },
): Promise<string[]> {
  const wallet = walletOf(client)
  if (client.plan) {
    client.plan.push({ step: 'sign a withdrawal', from: wallet.account.address, args: [ids, reason], value: 0n })
    return []
  }
  const place = { chainId: client.deployment.chainId, contract: client.deployment.addresses.DatanetRegistry }
  const data = withdrawalData(place, { contributionIds: ids, reason })
  const signature = await wallet.signTypedData({ ...data, account: wallet.account })
  const texts = ids.map(String)
  const { withdrawContributions: rows } = await client.ask(WITHDRAW, {
    ids: texts,
    reason,
    signature,
    key: `withdraw:${texts}`,
  })
  return rows.map(({ id }) => id)
}
