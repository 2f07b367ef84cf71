import { zeroHash } from 'viem'
import { type ChannelPlace, channelConfig, channelId, type MarketPlace, voucherData } from '#rules/channel.ts'
import { exampleAccount } from '../accounts.ts'
import { approve, type StoryContext, wrap } from './context.ts'

/** What consumers do to pay an endpoint: they deposit credit in a channel with it, and sign vouchers for the channel. */

const marketPlace = ({ chain, deployment }: StoryContext): MarketPlace => ({
  chainId: chain.chainId,
  market: chain.addresses.InferenceMarket,
  token: chain.addresses.GOpen,
  withdrawalDelay: deployment.settings.withdrawalDelay,
})

/** The nth consumer's channel with an endpoint of the platform; the consumer signs its vouchers itself. */
function channelOf(nth: number, endpointId: string): ChannelPlace {
  const { address } = exampleAccount('consumer', nth)
  const host = exampleAccount('platform').address
  return { endpointId: BigInt(endpointId), host, consumer: address, key: address, salt: zeroHash }
}

/** Credit left in the channel, in wei. */
export async function creditOf(context: StoryContext, nth: number, endpointId: string): Promise<bigint> {
  const id = channelId(marketPlace(context), channelOf(nth, endpointId))
  const [balance] = await context.chain.read('InferenceMarket', 'channels', [id])
  return balance
}

/** Deposits credit in the channel. */
export async function prepay(context: StoryContext, nth: number, endpointId: string, amount: bigint): Promise<void> {
  await wrap(context, 'consumer', nth, amount)
  await approve(context, 'consumer', nth, 'InferenceMarket', amount)
  const paid = await context.chain.send(exampleAccount('consumer', nth), 'InferenceMarket', 'deposit', [
    BigInt(endpointId),
    channelConfig(marketPlace(context), channelOf(nth, endpointId)),
    amount,
  ])
  await context.api.waitUntilIndexed(paid.blockNumber)
}

/** Signs and submits a voucher: the host may redeem up to `ceiling` of the channel in total. */
export async function grant(context: StoryContext, nth: number, endpointId: string, ceiling: bigint): Promise<void> {
  const voucher = { channelId: channelId(marketPlace(context), channelOf(nth, endpointId)), ceiling }
  const signature = await exampleAccount('consumer', nth).signTypedData(voucherData(context.chain.chainId, voucher))
  await context.api.query(
    `mutation ($channelId: ID!, $ceiling: BigInt!, $signature: String!, $key: String!) {
      submitVoucher(channelId: $channelId, ceiling: $ceiling, signature: $signature, idempotencyKey: $key) { id }
    }`,
    { channelId: voucher.channelId, ceiling: ceiling.toString(), signature, key: `voucher:${nth}:${ceiling}` },
  )
}
