import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, parseEther } from 'viem'
import { rpc } from '#contracts/anvil.ts'
import { exampleAccount } from '#example/accounts.ts'
import { consumers } from '#example/consumers.ts'
import { MESSAGES, type MoneyRound, type MoneyStep } from './plan.ts'
import { deposited, depositMore, type ServingSystem } from './system.ts'

const MAX_TOKENS = 12
const SEED = 7
const DEPOSIT = parseEther('1')
const RETRY_MS = 200
/** For this time people repeat what the chain does not take. */
const PATIENCE_MS = 90_000
/** Blocks that make everything final. */
const FINAL_BLOCKS = '0x8'

/** Lets people and the system live through one epoch: calls, deposits and redemptions in the order of the round, then the settlement and claims.
 *  When `disturbed` has ended, people look at the chain, and repeat what it has lost. Afterwards everything is final.
 *  @throws Error when a request is refused, a job fails, or nothing goes on. */
export async function playEpoch(
  serving: ServingSystem,
  round: MoneyRound,
  epoch: number,
  disturbed: Promise<unknown> = Promise.resolve(),
): Promise<void> {
  await beginPeriod(serving)
  const credits = new Map<number, bigint>()
  for (const step of round.steps)
    if (step.kind === 'call') await call(serving, step)
    else if (step.kind === 'redeem') await serving.api.runJob('redeem', {}, step.key)
    else {
      credits.set(step.consumer, (await patiently(() => deposited(serving, step.consumer))) + DEPOSIT)
      await fill(serving, credits)
    }
  await serving.api.runJob('settleEpoch', { epoch }, `kill:epoch:${epoch}`)
  await claim(serving, round, epoch)
  await disturbed
  await fill(serving, credits)
  await claim(serving, round, epoch)
  await patiently(() => rpc(serving.system.rpcUrl, 'anvil_mine', [FINAL_BLOCKS]))
}

/** The fees of a round are redeemed within one period of blocks, so that they belong to one epoch. */
async function beginPeriod({ system, chain }: ServingSystem): Promise<void> {
  const length = BigInt(system.deployment.settings.epochLength)
  const first = await chain.read('RewardDistributor', 'firstBlock', [])
  const place = ((await chain.client.getBlockNumber()) + 1n - first) % length
  if (place > 0n) await rpc(system.rpcUrl, 'anvil_mine', [`0x${(length - place).toString(16)}`])
}

async function call(
  { api, endpointId }: ServingSystem,
  { consumer, message, open, key }: Extract<MoneyStep, { kind: 'call' }>,
): Promise<void> {
  const prompt = consumers(SEED, MESSAGES)[consumer]?.messages[message]?.prompt
  const { address } = exampleAccount('consumer', consumer)
  await api.runJob('infer', { endpointId, prompt, maxTokens: MAX_TOKENS, seed: SEED, consumer: address, open }, key)
}

/** Deposits until what was deposited in the channels is what consumers wanted. */
async function fill(serving: ServingSystem, credits: ReadonlyMap<number, bigint>): Promise<void> {
  for (const [consumer, wanted] of credits)
    await patiently(async () => {
      const missing = wanted - (await deposited(serving, consumer))
      if (missing > 0n) await depositMore(serving, consumer, missing)
    })
}

/** Some of the accounts that the map pays claim, once, what they have earned so far. */
async function claim({ api, chain, system: { deployment } }: ServingSystem, round: MoneyRound, epoch: number) {
  const { rewardLines } = await api.query<{ rewardLines: { nodes: { account: Address }[] } }>(
    'query ($epoch: ID!) { rewardLines(where: { mapId: { eq: $epoch } }, first: 1000) { nodes { account } } }',
    { epoch: String(epoch) },
  )
  const accounts = [...new Set(rewardLines.nodes.map(({ account }) => account))].sort().filter(round.claims)
  for (const account of accounts) {
    const { rewardProof } = await api.query<{ rewardProof: { cumulative: string; proof: `0x${string}`[] } | null }>(
      'query ($account: String!, $epoch: ID!) { rewardProof(account: $account, epoch: $epoch) { cumulative proof } }',
      { account, epoch: String(epoch) },
    )
    if (!rewardProof) throw new Error(`The map of epoch ${epoch} pays ${account}, but gives no proof.`)
    const cumulative = BigInt(rewardProof.cumulative)
    await patiently(async () => {
      if ((await chain.read('RewardDistributor', 'claimed', [account])) >= cumulative) return
      const [, , publishedAt] = await chain.read('RewardDistributor', 'maps', [BigInt(epoch)])
      await chain.advanceTo(publishedAt + BigInt(deployment.settings.challengeWindow) + 1n)
      const args = [BigInt(epoch), account, cumulative, rewardProof.proof] as const
      await chain.send(exampleAccount('challenger'), 'RewardDistributor', 'claim', args)
    })
  }
}

/** Repeats what fails while a part of the system is away. @throws Error of the last try. */
async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(RETRY_MS))
    try {
      return await act()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
}
