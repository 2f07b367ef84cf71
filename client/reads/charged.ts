import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'
import type { Channel } from './channel.ts'

const PROMISED = graphql(`
  query ($id: ID!, $channel: String!) {
    signedVoucher(id: $id) { ceiling used }
    creditHolds(where: { channelId: { eq: $channel }, open: { eq: true } }, first: 1000) { nodes { maximum } }
  }`)

/** What of a channel's credit is spoken for, in wei. */
export interface ChargedCredit {
  /** The cost of all answered calls, and the most that those under way may cost. */
  charged: bigint
  /** That of the newest voucher. */
  ceiling: bigint
}

/** Reads what the calls of a channel have cost and reserved. @throws ClientError where the API does not say it to this client */
export async function chargedOf(client: Client, { id, redeemed }: Channel): Promise<ChargedCredit> {
  const { signedVoucher, creditHolds } = await client.ask(PROMISED, { id, channel: id })
  if (signedVoucher && signedVoucher.used === null)
    throw new ClientError(
      'The API does not say what the calls of this channel have cost. Use a key of the account that pays (MODELCOMMONS_API_KEY).',
    )
  const used = BigInt(signedVoucher?.used ?? 0)
  const held = creditHolds.nodes.reduce((sum, one) => sum + BigInt(one.maximum ?? 0), 0n)
  return { charged: (used > redeemed ? used : redeemed) + held, ceiling: BigInt(signedVoucher?.ceiling ?? 0) }
}
