import { type Hex, recoverTypedDataAddress } from 'viem'
import { voucherData } from '#rules/channel.ts'
import { inGOpen } from '../amounts.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'
import type { Channel } from './channel.ts'

const PROMISED = graphql(`
  query ($id: ID!, $channel: String!) {
    signedVoucher(id: $id) { ceiling used signature }
    creditHolds(where: { channelId: { eq: $channel }, open: { eq: true } }, first: 1000) { nodes { maximum } }
  }`)

/** What of a channel's credit is spoken for, in wei. */
export interface ChargedCredit {
  /** The cost of all answered calls, and the most that those under way may cost. */
  charged: bigint
  /** That of the newest voucher that the channel's key has signed; what was redeemed, where there is none. */
  ceiling: bigint
}

/**
 * Reads what the calls of a channel have cost and reserved. The host may be the one who says it: more than the channel's key has granted is not believed, or
 * whoever signs for a little more would sign for all that it says.
 * @throws ClientError where the API says more than was granted, or nothing to this client
 */
export async function chargedOf(client: Client, channel: Channel): Promise<ChargedCredit> {
  const { id, redeemed } = channel
  const { signedVoucher, creditHolds } = await client.ask(PROMISED, { id, channel: id })
  if (signedVoucher && signedVoucher.used === null)
    throw new ClientError(
      'The API does not say what the calls of this channel have cost. Use a key of the account that pays (MODELCOMMONS_API_KEY).',
    )
  const used = BigInt(signedVoucher?.used ?? 0)
  const held = creditHolds.nodes.reduce((sum, one) => sum + BigInt(one.maximum ?? 0), 0n)
  const charged = (used > redeemed ? used : redeemed) + held
  const signed = await signedCeiling(client, channel, signedVoucher)
  const ceiling = signed > redeemed ? signed : redeemed
  if (charged > ceiling)
    throw new ClientError(
      `The API says that ${inGOpen(charged)} of the channel are used or reserved, and its key has signed for ${inGOpen(ceiling)}: nothing more is signed. Ask another API of the host, or take the credit back (credit request).`,
    )
  return { charged, ceiling }
}

/** 0 without a voucher that the channel's key has signed. */
async function signedCeiling(
  { deployment }: Client,
  { id, config }: Channel,
  voucher: { ceiling?: unknown; signature?: string | null } | null,
): Promise<bigint> {
  if (!voucher?.signature || voucher.ceiling === null || voucher.ceiling === undefined) return 0n
  const ceiling = BigInt(voucher.ceiling as string)
  const signer = await recoverTypedDataAddress({
    ...voucherData(deployment.chainId, { channelId: id, ceiling }),
    signature: voucher.signature as Hex,
  }).catch(() => undefined)
  return signer?.toLowerCase() === config.payerAuthorizer.toLowerCase() ? ceiling : 0n
}
