import { type Address, encodeAbiParameters, type Hex, keccak256, maxUint256, zeroHash } from 'viem'
import { devAccount } from '#contracts/anvil.ts'
import { type ChannelPlace, channelConfig, channelId, type MarketPlace, voucherData } from '#rules/channel.ts'
import { must } from '#test/must.ts'
import type { TestChain } from './chain.ts'
import { OPEN, textHash, wholeOpen } from './values.ts'

/** The part of the story with money: payment channels, redemptions of every outcome, and reward maps that are published, disputed and claimed. */

const HOST = 1
const CONSUMER = 4

const placeOf = ({ deployment }: TestChain): MarketPlace => ({
  chainId: 31_337,
  market: deployment.addresses.InferenceMarket,
  token: deployment.addresses.GOpen,
  withdrawalDelay: deployment.settings.withdrawalDelay,
})

/** A channel of the consumer with an endpoint; the account `signer` has its key. */
export interface StoryChannel {
  endpointId: bigint
  signer: number
  salt: Hex
}

const channelPlace = ({ accounts }: TestChain, { endpointId, signer, salt }: StoryChannel): ChannelPlace => ({
  endpointId,
  host: must(accounts[HOST]),
  consumer: must(accounts[CONSUMER]),
  key: devAccount(signer).address,
  salt,
})

export const channelArgument = (chain: TestChain, channel: StoryChannel) =>
  channelConfig(placeOf(chain), channelPlace(chain, channel))

export const channelIdOf = (chain: TestChain, channel: StoryChannel) =>
  channelId(placeOf(chain), channelPlace(chain, channel))

/** A redemption of a channel up to `total`, with a voucher of that ceiling; `over` replaces its parts. */
export async function redemptionOf(
  chain: TestChain,
  channel: StoryChannel,
  total: bigint,
  over: { endpointId?: bigint; ceiling?: bigint; signature?: Hex } = {},
) {
  const ceiling = over.ceiling ?? total
  const voucher = voucherData(31_337, { channelId: channelIdOf(chain, channel), ceiling })
  const signature = await devAccount(channel.signer).signTypedData(voucher)
  const { endpointId } = channel
  return { endpointId, channel: channelArgument(chain, channel), ceiling, total, signature, ...over }
}

/** Registers two endpoints of versions 2 and 3. @returns channels with them: of the consumer's own key, of another key, and with the second endpoint */
export async function openMarket(chain: TestChain): Promise<[StoryChannel, StoryChannel, StoryChannel]> {
  await chain.send(HOST, 'InferenceMarket', 'registerEndpoint', [2n, 'http://localhost:9000', 1000n, 2000n])
  await chain.send(HOST, 'InferenceMarket', 'registerEndpoint', [3n, 'http://localhost:9001', 1n, 2n])
  return [
    { endpointId: 1n, signer: CONSUMER, salt: zeroHash },
    { endpointId: 1n, signer: 8, salt: textHash('salt') },
    { endpointId: 2n, signer: CONSUMER, salt: zeroHash },
  ]
}

export const depositInto = (chain: TestChain, from: number, channel: StoryChannel, amount: bigint) =>
  chain.send(from, 'InferenceMarket', 'deposit', [channel.endpointId, channelArgument(chain, channel), amount])

/** Mines blocks so that the next transaction is in the block after this one. */
export async function mineTo(chain: TestChain, block: bigint) {
  const missing = Number(block) - (await chain.head())
  if (missing > 0) await chain.call('anvil_mine', `0x${missing.toString(16)}`)
}

const endOf = async (chain: TestChain, epoch: bigint) =>
  (await chain.read('RewardDistributor', 'endOf', [epoch])) as bigint

export async function serve(chain: TestChain) {
  const { send } = chain
  const [own, keyed, second] = await openMarket(chain)
  await send(HOST, 'InferenceMarket', 'setPrice', [1n, 1001n, 2001n])
  await depositInto(chain, CONSUMER, own, wholeOpen(20))
  await depositInto(chain, 3, keyed, wholeOpen(2)) // somebody else pays; the credit is the consumer's
  await depositInto(chain, CONSUMER, own, 1n)
  await mineTo(chain, ((await chain.read('RewardDistributor', 'runningEpoch')) as [bigint, bigint])[1]) // a whole period follows
  const good = [
    await redemptionOf(chain, own, wholeOpen(5), { ceiling: wholeOpen(6) }),
    await redemptionOf(chain, keyed, OPEN),
  ]
  const failing = [
    await redemptionOf(chain, own, wholeOpen(6), { endpointId: maxUint256 }),
    await redemptionOf(chain, own, wholeOpen(6), { endpointId: 2n }),
    await redemptionOf(chain, own, wholeOpen(7), { signature: `0x${'12'.repeat(65)}` }),
    await redemptionOf(chain, own, wholeOpen(7), { ceiling: wholeOpen(6) }),
    await redemptionOf(chain, own, wholeOpen(5)),
    await redemptionOf(chain, second, 1n),
  ]
  await send(HOST, 'InferenceMarket', 'redeem', [[...good, ...failing]])
  await send(2, 'InferenceMarket', 'redeem', [[await redemptionOf(chain, own, wholeOpen(6))]])
  await send(HOST, 'InferenceMarket', 'setVersion', [1n, 3n])
  await mineTo(chain, await endOf(chain, 1n))
  await send(HOST, 'InferenceMarket', 'redeem', [[await redemptionOf(chain, own, wholeOpen(6))]])
  await send(0, 'RewardDistributor', 'fund', [5n])
  await send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [channelArgument(chain, own), wholeOpen(3)])
  await chain.wait(6)
  await send(CONSUMER, 'InferenceMarket', 'withdraw', [channelArgument(chain, own)])
  await send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [channelArgument(chain, own), OPEN])
}

const leafOf = (chain: TestChain, epoch: bigint, account: Address, cumulative: bigint) => {
  const types = [
    { type: 'uint256' },
    { type: 'address' },
    { type: 'uint256' },
    { type: 'address' },
    { type: 'uint256' },
  ] as const
  const { RewardDistributor } = chain.deployment.addresses
  return keccak256(keccak256(encodeAbiParameters(types, [31_337n, RewardDistributor, epoch, account, cumulative])))
}

/** Publishes an epoch's map; with a bond when the account is not the operator. */
export async function publish(chain: TestChain, from: number, epoch: bigint, root: Hex, total: bigint) {
  const end = await endOf(chain, epoch)
  const lastChange = (await chain.read('RewardDistributor', 'lastChange')) as bigint
  const silence = BigInt(chain.deployment.settings.epochLength)
  await mineTo(chain, from === 0 ? end : (end > lastChange ? end : lastChange) + silence)
  const block = (await chain.call('eth_getBlockByNumber', `0x${end.toString(16)}`, false)) as { hash: Hex }
  await chain.send(from, 'RewardDistributor', 'publish', [epoch, block.hash, root, total, 'artifact', textHash('code')])
}

/** A stranger's wrong map of epoch 1 is cancelled, the operator's follows it, and a stranger publishes epoch 2 with a bond. */
export async function disputeMaps(chain: TestChain) {
  const { send, accounts } = chain
  await publish(chain, 2, 1n, textHash('wrong'), wholeOpen(4))
  const judgement = (1n << 160n) | BigInt(must(accounts[2]))
  for (const [kind, subject] of [
    [3, 1n],
    [0, 3n],
    [1, judgement],
    [2, 3n],
    [2, 2n],
  ] as const)
    await send(4, 'Disputes', 'open', [kind, subject, textHash('proof')])
  await send(0, 'Disputes', 'rule', [1n, true, 0n])
  await send(0, 'Disputes', 'rule', [2n, true, OPEN / 4n])
  await send(0, 'Disputes', 'rule', [4n, true, 0n])
  await send(0, 'Disputes', 'rule', [5n, false, 0n])
  await chain.wait(11)
  for (const dispute of [1n, 2n, 4n, 5n]) await send(4, 'Disputes', 'enforce', [dispute])
  const earner = must(accounts[3])
  await publish(chain, 0, 1n, leafOf(chain, 1n, earner, wholeOpen(3)), wholeOpen(3))
  await publish(chain, 2, 2n, leafOf(chain, 2n, earner, wholeOpen(4)), OPEN)
  await chain.wait(21)
  await send(3, 'RewardDistributor', 'claim', [2n, earner, wholeOpen(4), []])
  await send(3, 'RewardDistributor', 'returnBond', [2n])
}
