import { must } from '#test/must.ts'
import { type TestChain, testChain } from './chain.ts'
import { channelArgument, channelIdOf, depositInto, publish, redemptionOf, type StoryChannel } from './market.ts'
import { textHash } from './values.ts'

/** A seeded generator of integers below a limit (mulberry32): the same seed gives the same numbers. */
export function seededInts(seed: number) {
  return (below: number) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** Approves the tokens that `noise` spends. */
export async function prepareNoise(chain: TestChain) {
  const { send, deployment } = chain
  for (let who = 0; who < 6; who++) {
    await send(who, 'GOpen', 'deposit', [], 10n ** 21n)
    await send(who, 'GOpen', 'approve', [deployment.addresses.FeedbackPool, 10n ** 24n])
    await send(who, 'GOpen', 'approve', [deployment.addresses.InferenceMarket, 10n ** 24n])
    await send(who, 'GOpen', 'approve', [deployment.addresses.RewardDistributor, 10n ** 24n])
  }
}

/** Sends one random transaction of a kind that always succeeds and changes rows that others changed before. */
export async function noise(chain: TestChain, next: (below: number) => number) {
  const { send, accounts } = chain
  const who = next(6)
  const other = accounts[next(6)]
  const amount = BigInt(1 + next(1000))
  const actions = [
    () => send(who, 'GOpen', 'deposit', [], amount),
    () => send(who, 'GOpen', 'transfer', [other, amount]),
    () => send(who, 'GOpen', 'delegate', [other]),
    () => send(who, 'GOpen', 'lock', [amount]),
    () => send(who, 'FeedbackPool', 'stake', [amount]),
    () => send(who, 'RewardDistributor', 'fund', [amount]),
    () => chain.wait(1 + next(30)),
  ]
  await must(actions[next(actions.length)])()
}

/** Sends one random transaction with one of the channels. It always succeeds; what is redeemed may fail. */
export async function marketNoise(
  chain: TestChain,
  next: (below: number) => number,
  channels: readonly StoryChannel[],
): Promise<void> {
  const { send } = chain
  const channel = must(channels[next(channels.length)])
  const argument = channelArgument(chain, channel)
  const state = async (one = channel) =>
    (await chain.read('InferenceMarket', 'channels', [channelIdOf(chain, one)])) as [bigint, bigint, bigint, bigint]
  const redeem = async (one: StoryChannel) => {
    const [balance, redeemed] = await state(one)
    return redemptionOf(chain, one, redeemed + BigInt(next(Number(balance) + 100)))
  }
  const actions = [
    () => depositInto(chain, next(5), channel, BigInt(1 + next(1_000))),
    async () => send(1, 'InferenceMarket', 'redeem', [[await redeem(channel), await redeem(must(channels[0]))]]),
    async () => {
      const [balance] = await state()
      if (balance > 0n) await send(4, 'InferenceMarket', 'requestWithdrawal', [argument, (balance + 1n) / 2n])
    },
    async () => {
      await chain.wait(10) // longer than the delay
      const [balance, , withdrawing] = await state()
      if (balance > 0n && withdrawing > 0n) await send(4, 'InferenceMarket', 'withdraw', [argument])
    },
    () => send(next(5), 'RewardDistributor', 'fund', [BigInt(1 + next(9))]),
    async () => {
      const epoch = ((await chain.read('RewardDistributor', 'lastEpoch')) as bigint) + 1n
      if (epoch <= ((await chain.read('RewardDistributor', 'epochCount')) as bigint))
        await publish(chain, 0, epoch, textHash(`map ${epoch}`), 1n)
    },
  ]
  await must(actions[next(actions.length)])()
}

/** A chain with so many random transactions, and the generator that goes on with its noise. */
export async function noisyChain(transactions: number, seed: number) {
  const chain = await testChain()
  await prepareNoise(chain)
  const next = seededInts(seed)
  for (let i = 0; i < transactions; i++) await noise(chain, next)
  return { chain, next }
}
