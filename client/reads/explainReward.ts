import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'

const EXPLAIN = graphql(`
  query ($account: String!, $epoch: ID!) {
    explainReward(account: $account, epoch: $epoch) {
      epoch account earned cumulative reasons { role versionId kind sourceId amount pot weight whole }
    }
  }`)

const NEWEST = graphql(
  '{ rewardMaps(where: { root: { isNull: false } }, first: 1, orderBy: [{ field: epoch, direction: desc }]) { nodes { epoch } } }',
)

/** What an account earned in an epoch, amount by amount: `amount = ⌊pot × weight / whole⌋`, in wei. */
export type RewardWhy = NonNullable<ResultOf<typeof EXPLAIN>['explainReward']>

/**
 * Why an account earned what it did in an epoch; null when it got nothing. Default: the client's account, the newest published epoch.
 * @throws ClientError when no epoch is published.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, explainReward } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(explainReward(client), /No reward map is published yet/) // else { earned, reasons, … }
 * ```
 */
export async function explainReward(
  client: Client,
  { account = accountOf(client), epoch }: { account?: string; epoch?: number } = {},
): Promise<RewardWhy | null> {
  const chosen = epoch ?? (await client.ask(NEWEST)).rewardMaps.nodes[0]?.epoch
  if (chosen === undefined) throw new ClientError('No reward map is published yet.')
  return (await client.ask(EXPLAIN, { account: account.toLowerCase(), epoch: String(chosen) })).explainReward
}
