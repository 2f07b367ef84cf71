import type { IncomingHttpHeaders } from 'node:http'
import type { Hex } from 'viem'
import { z } from 'zod'
import { badRequest } from '../errors.ts'

/** The header `PAYMENT-SIGNATURE` of x402 (version 2): a voucher of a payment channel, and the channel itself. */

const NAME = 'payment-signature'
const hex = (digits: number) => z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${digits}}$`)) as z.ZodType<Hex>
const address = hex(40)

const voucherPayload = z.object({
  x402Version: z.literal(2),
  accepted: z.object({ extra: z.object({ nonce: z.string().max(100) }) }),
  payload: z.object({
    type: z.literal('voucher'),
    channelConfig: z.object({ payer: address, payerAuthorizer: address, salt: hex(64) }),
    voucher: z.object({
      channelId: hex(64),
      maxClaimableAmount: z.string().regex(/^\d{1,39}$/),
      signature: z.string().max(2_000),
    }),
  }),
})

/** A voucher as it came, of which nothing is checked but its form. */
export interface SentVoucher {
  consumer: Hex
  /** The key of the channel. */
  key: Hex
  salt: Hex
  channelId: Hex
  ceiling: bigint
  signature: string
  /** Of the demand that the voucher answers. */
  nonce: string
}

/** @returns undefined without the header, `deposit` for a payment that deposits first.
 *  @throws GatewayError when it is not what x402's clients send. */
export function readVoucherHeader(headers: IncomingHttpHeaders): SentVoucher | 'deposit' | undefined {
  const header = [headers[NAME]].flat()[0]
  if (!header) return undefined
  const sent = decoded(header)
  if ((sent as { payload?: { type?: unknown } } | null)?.payload?.type === 'deposit') return 'deposit'
  const { success, data } = voucherPayload.safeParse(sent)
  if (!success)
    throw badRequest(
      'The header PAYMENT-SIGNATURE is not a voucher of the scheme batch-settlement, as a client of x402 version 2 sends it: JSON in base64.',
      NAME,
    )
  const { channelConfig, voucher } = data.payload
  const { nonce } = data.accepted.extra
  return {
    consumer: channelConfig.payer.toLowerCase() as Hex,
    key: channelConfig.payerAuthorizer.toLowerCase() as Hex,
    salt: channelConfig.salt,
    channelId: voucher.channelId.toLowerCase() as Hex,
    ceiling: BigInt(voucher.maxClaimableAmount),
    signature: voucher.signature,
    nonce,
  }
}

function decoded(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString())
  } catch {
    return undefined
  }
}
