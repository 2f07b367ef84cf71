import { type Address, type Hex, zeroHash } from 'viem'
import type { HDAccount } from 'viem/accounts'
import {
  type ChannelPlace,
  channelConfig,
  channelId,
  type MarketPlace,
  type Voucher,
  voucherData,
} from '#rules/channel.ts'
import { must } from '#test/must.ts'
import { CONSUMER, HOST, SIGNERS, type World } from './world.ts'

export const marketPlace = ({ at, deployment }: World): MarketPlace => ({
  chainId: deployment.chainId,
  market: at.InferenceMarket,
  token: at.GOpen,
  withdrawalDelay: deployment.settings.withdrawalDelay,
})

/** A channel of the consumer with the first endpoint of the host, whose vouchers the consumer signs. */
export const channelOf = (over: Partial<ChannelPlace> = {}): ChannelPlace => ({
  endpointId: 1n,
  host: HOST.address,
  consumer: CONSUMER.address,
  key: over.consumer ?? CONSUMER.address,
  salt: zeroHash,
  ...over,
})

/** A signed voucher; `over` replaces parts of the domain, for forgeries. */
export async function signTestVoucher(
  world: World,
  signer: HDAccount,
  voucher: Voucher,
  over: { chainId?: number; contract?: Address; name?: string } = {},
): Promise<Hex> {
  const data = voucherData(over.chainId ?? world.deployment.chainId, voucher)
  const domain = { ...data.domain, name: over.name ?? data.domain.name }
  if (over.contract) domain.verifyingContract = over.contract
  return signer.signTypedData({ ...data, domain })
}

/** A redemption of the whole ceiling, signed by the channel's key; `over` replaces its parts. */
export async function redemption(
  world: World,
  channel: ChannelPlace,
  ceiling: bigint,
  over: Partial<{ endpointId: bigint; total: bigint; signature: Hex }> = {},
) {
  const place = marketPlace(world)
  const signer = must(SIGNERS.find(({ address }) => address === channel.key) ?? (over.signature && CONSUMER), 'signer')
  const signature = await signTestVoucher(world, signer, { channelId: channelId(place, channel), ceiling })
  return {
    endpointId: channel.endpointId,
    channel: channelConfig(place, channel),
    ceiling,
    total: ceiling,
    signature,
    ...over,
  }
}

/** Deposits credit in a channel; its consumer pays, or `from`. @returns the channel's id */
export async function depositCredit(
  world: World,
  channel: ChannelPlace,
  amount: bigint,
  from: Address = channel.consumer,
): Promise<Hex> {
  const place = marketPlace(world)
  const args = [channel.endpointId, channelConfig(place, channel), amount] as const
  await world.send(from, 'InferenceMarket', 'deposit', args)
  return channelId(place, channel)
}
