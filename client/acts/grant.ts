import type { Voucher } from '#rules/channel.ts'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { graphql } from '../graphql/document.ts'
import { signVoucher } from './signVoucher.ts'

const SUBMIT = graphql(`
  mutation ($channelId: ID!, $ceiling: BigInt!, $signature: String!, $key: String!) {
    submitVoucher(channelId: $channelId, ceiling: $ceiling, signature: $signature, idempotencyKey: $key) { id }
  }`)

/**
 * Signs a voucher and hands it to the API, which answers calls within it.
 * @throws ApiRefusal when the API does not know the channel, or has a voucher of it for more.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, grant } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const channelId = `0x${'12'.repeat(32)}` as const // of a channel with credit: (await channelWith(client, 1n)).id
 * await assert.rejects(grant(client, { channelId, ceiling: 10n ** 18n }), /There is no payment channel 0x1212/)
 * ```
 */
export async function grant(client: Client, { channelId, ceiling }: Voucher): Promise<void> {
  if (client.plan) {
    client.plan.push({ step: 'sign a voucher', from: accountOf(client), args: [channelId, ceiling], value: 0n })
    return
  }
  const signature = await signVoucher(client, { channelId, ceiling })
  const key = `voucher:${channelId}:${ceiling}`
  await client.ask(SUBMIT, { channelId, ceiling: ceiling.toString(), signature, key })
}
