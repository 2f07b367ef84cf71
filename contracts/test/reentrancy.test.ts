import { readFileSync } from 'node:fs'
import {
  type Abi,
  type Address,
  createWalletClient,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
  http,
  toFunctionSelector,
  zeroHash,
} from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { channelConfig, channelId } from '#rules/channel.ts'
import { RewardTree } from '#rules/merkle.ts'
import { must } from '#test/must.ts'
import { compileSources } from '../compile.ts'
import { type ContractName, contracts } from '../events.ts'
import { bytecodes } from '../generated/bytecodes.ts'
import { type Batch, commitmentOf, contentsOf, signBatch, submitArguments } from './batch.ts'
import { evaluate, mandate, propose, version } from './mandate.ts'
import { mineUntil } from './publication.ts'
import { channelOf, signTestVoucher } from './vouchers.ts'
import {
  ALICE,
  BOB,
  ETHER,
  GENESIS,
  hashOf,
  OPERATOR,
  PROPOSER,
  SETTINGS,
  STRANGER,
  startWorld,
  type World,
} from './world.ts'

const GUARD = toFunctionSelector('ReentrancyGuardReentrantCall()')
const BOND = 4n

let world: World
let malice: Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>
beforeAll(async () => {
  const path = 'contracts/test/Malice.sol'
  const source = readFileSync(new URL('./Malice.sol', import.meta.url), 'utf8')
  malice = must((await compileSources({ [path]: source }))[path], path)
  world = await startWorld()
}, 600_000)
afterAll(() => world?.anvil.stop())

async function create(abi: Abi, bytecode: Hex, args: readonly unknown[], value = 0n): Promise<Address> {
  const wallet = createWalletClient({ account: STRANGER, transport: http(world.anvil.url) })
  const data = encodeDeployData({ abi, bytecode, args })
  const hash = await wallet.sendTransaction({ data, value, chain: null, gas: 10_000_000n })
  const receipt = await world.client.waitForTransactionReceipt({ hash, pollingInterval: 5 })
  return must(receipt.contractAddress)
}
const createEvil = (name: string, args: readonly unknown[] = [], value = 0n) =>
  create(must(malice[name]).abi, `0x${must(malice[name]).evm.bytecode.object}`, args, value)

async function act(from: Address, to: Address, abi: Abi, functionName: string, args: readonly unknown[]) {
  const wallet = createWalletClient({ account: from, transport: http(world.anvil.url) })
  const hash = await wallet.writeContract({ address: to, abi, functionName, args, chain: null, gas: 5_000_000n })
  const receipt = await world.client.waitForTransactionReceipt({ hash, pollingInterval: 5 })
  expect(receipt.status, `${functionName} reverted`).toBe('success')
}
const look = (to: Address, abi: Abi, functionName: string, args: readonly unknown[] = []) =>
  world.client.readContract({ address: to, abi, functionName, args })

describe('a token that calls back in the middle of a transfer', () => {
  let token: Address
  let tokenAbi: Abi
  let at: Record<
    'ModelRegistry' | 'DatanetRegistry' | 'FeedbackPool' | 'InferenceMarket' | 'RewardDistributor',
    Address
  >
  const me = ALICE.address

  beforeAll(async () => {
    token = await createEvil('HookToken')
    tokenAbi = must(malice.HookToken).abi
    const nobody = STRANGER.address
    const own = world.at
    const make = (name: ContractName, args: readonly unknown[]) =>
      create(contracts[name].abi as Abi, bytecodes[name], args)
    const registry = await make('ModelRegistry', [
      token,
      own.ModelGovernor,
      own.TimelockController,
      own.Treasury,
      own.EvaluationRegistry,
      own.Disputes,
      nobody,
      { minBond: 0n, dailySpendBps: 10_000n, guardian: own.Guardian },
    ])
    const distributor = await make('RewardDistributor', [
      token,
      own.Disputes,
      own.Guardian,
      own.Treasury,
      nobody,
      OPERATOR.address,
      { challengeWindow: 1n, length: 1n, publisherBond: BOND },
    ])
    at = {
      ModelRegistry: registry,
      RewardDistributor: distributor,
      DatanetRegistry: await make('DatanetRegistry', [
        token,
        own.ModelRegistry,
        own.Disputes,
        own.Treasury,
        nobody,
        OPERATOR.address,
        0n,
        0n,
      ]),
      FeedbackPool: await make('FeedbackPool', [
        token,
        own.ModelRegistry,
        own.Disputes,
        own.Treasury,
        nobody,
        OPERATOR.address,
        SETTINGS.minValidatorStake,
      ]),
      InferenceMarket: await make('InferenceMarket', [token, own.ModelRegistry, distributor, 0n]),
    }
    await act(me, token, tokenAbi, 'mint', [me, 1_000n * ETHER])
    for (const target of Object.values(at)) await act(me, token, tokenAbi, 'approve', [target, 2n ** 255n])
  })

  type Guarded = keyof typeof at
  /** Calls a function while the token calls `inner` (of the same contract) during the transfer: the inner call must fail at the guard. */
  async function attack(
    name: Guarded,
    outer: [string, readonly unknown[]],
    inner: [string, readonly unknown[]] = outer,
  ) {
    const abi = contracts[name].abi as Abi
    const before = (await look(token, tokenAbi, 'attempts')) as bigint
    const data = encodeFunctionData({ abi, functionName: inner[0], args: inner[1] })
    await act(me, token, tokenAbi, 'arm', [at[name], data])
    await act(me, at[name], abi, ...outer)
    expect(await look(token, tokenAbi, 'attempts')).toBe(before + 1n)
    expect(await look(token, tokenAbi, 'succeeded')).toBe(false)
    expect(await look(token, tokenAbi, 'reason')).toBe(GUARD)
  }
  const balance = (account: Address) => look(token, tokenAbi, 'balanceOf', [account])

  test('gains nothing in the feedback pool', async () => {
    await attack('FeedbackPool', ['stake', [10n]])
    await attack('FeedbackPool', ['unstake', [4n]])
    await attack('FeedbackPool', ['unstake', [1n]], ['withdrawRewards', []])
    expect(await balance(at.FeedbackPool)).toBe(5n)
  })

  test('gains nothing in the market', async () => {
    const versionId = await version(world, await mandate(world), OPERATOR.address)
    await evaluate(world, versionId, OPERATOR.address)
    await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
    const abi = contracts.InferenceMarket.abi as Abi
    await act(me, at.InferenceMarket, abi, 'registerEndpoint', [versionId, 'https://one.example', 1n, 1n])
    const place = { chainId: 31_337, market: at.InferenceMarket, token, withdrawalDelay: 0 }
    const own = channelOf({ host: me, consumer: me })
    const channel = channelConfig(place, own)
    await attack('InferenceMarket', ['deposit', [1n, channel, 10n]])
    await act(me, at.InferenceMarket, abi, 'requestWithdrawal', [channel, 4n])
    await attack('InferenceMarket', ['withdraw', [channel]])
    expect(await balance(at.InferenceMarket)).toBe(6n)
    const signature = await signTestVoucher(world, ALICE, { channelId: channelId(place, own), ceiling: 5n })
    await attack('InferenceMarket', ['redeem', [[{ endpointId: 1n, channel, ceiling: 5n, total: 5n, signature }]]])
    expect(await balance(at.InferenceMarket)).toBe(1n)
    expect(await balance(at.RewardDistributor)).toBe(5n)
  })

  test('gains nothing in the model registry', async () => {
    const { abi } = contracts.ModelRegistry
    const split = { platform: 0, owner: 10_000, stakers: 0, data: 0, validators: 0, host: 0, ancestors: 0 }
    const terms = {
      budget: 0n,
      rubricHash: hashOf('r'),
      deadline: BigInt(GENESIS + 10_000),
      targets: [{ metric: 'm', minimum: 0n, mayFall: false }],
      split: { ...split, dataByWeight: 0, unattributedByWeight: false },
    }
    await attack('ModelRegistry', ['propose', [hashOf('s'), 'uri', terms, 7n]])
    await attack('ModelRegistry', ['stake', [1n, 10n]], ['unstake', [1n, 10n]])
    await attack('ModelRegistry', ['unstake', [1n, 4n]])
    await world.warp(20_000)
    await attack('ModelRegistry', ['resolveBond', [1n]])
    expect(await look(at.ModelRegistry, abi as Abi, 'accounted')).toBe(6n)
    expect(await balance(at.ModelRegistry)).toBe(6n)
  })

  test('gains nothing in a datanet', async () => {
    const { abi } = contracts.DatanetRegistry
    await propose(world)
    await act(me, at.DatanetRegistry, abi as Abi, 'createDatanet', [1n, 'CC0-1.0', 0n, 0])
    const contents = contentsOf('evil', 2)
    const deadline = BigInt(GENESIS + 10_000_000)
    const batch: Batch = { datanetId: 1n, contributor: me, contents, stakeEach: 5n, salt: hashOf('s'), deadline }
    await act(me, at.DatanetRegistry, abi as Abi, 'commit', [commitmentOf(batch), me])
    await attack('DatanetRegistry', ['submit', submitArguments(batch)])
    await act(OPERATOR.address, at.DatanetRegistry, abi as Abi, 'score', [
      [1n, 2n],
      [1, 1],
      [1, 1],
      [1, 1],
      ['', ''],
    ])
    await attack('DatanetRegistry', ['withdrawStake', [[1n]]])
    expect(await balance(at.DatanetRegistry)).toBe(5n)
    await act(me, token, tokenAbi, 'arm', [
      at.DatanetRegistry,
      encodeFunctionData({ abi: abi as Abi, functionName: 'withdrawStake', args: [[2n]] }),
    ])
    await act(OPERATOR.address, at.DatanetRegistry, abi as Abi, 'slash', [2n, 2n, hashOf('e')])
    expect(await look(token, tokenAbi, 'reason')).toBe(GUARD)
  })

  test('gains nothing among the rewards', async () => {
    const abi = contracts.RewardDistributor.abi as Abi
    const held = (await balance(at.RewardDistributor)) as bigint
    await attack('RewardDistributor', ['fund', [10n]])
    const epoch = (await look(at.RewardDistributor, abi, 'epochCount')) as bigint
    const toBlock = (await look(at.RewardDistributor, abi, 'endOf', [epoch])) as bigint
    // The market's test may have funded an earlier epoch: its map pays nobody.
    for (let earlier = 1n; earlier < epoch; earlier++)
      await act(OPERATOR.address, at.RewardDistributor, abi, 'publish', [
        earlier,
        ...(await mapOf(earlier, zeroHash, 0n)),
      ])
    const leaves = [{ chain: 31_337n, distributor: at.RewardDistributor, epoch, account: me, cumulative: 4n }]
    const tree = new RewardTree(leaves)
    await mineUntil(world, toBlock + 3n)
    await attack('RewardDistributor', ['publish', [epoch, ...(await mapOf(epoch, tree.root, 10n))]])
    expect(await balance(at.RewardDistributor)).toBe(held + 10n + BOND)
    await world.warp(2)
    await attack('RewardDistributor', ['returnBond', [epoch]])
    await attack('RewardDistributor', ['claim', [epoch, me, 4n, tree.proof(0)]])
    expect(await balance(at.RewardDistributor)).toBe(held + 6n)

    async function mapOf(one: bigint, root: Hex, total: bigint) {
      const last = (await look(at.RewardDistributor, abi, 'endOf', [one])) as bigint
      const { hash } = await world.client.getBlock({ blockNumber: last })
      return [hash, root, total, 'uri', hashOf('code')]
    }
  })
})

test('a receiver that withdraws again while it is paid gets its balance and no more', async () => {
  const robber = await createEvil('Robber', [world.at.GOpen], 3n)
  const { abi } = must(malice.Robber)
  const supply = await world.read('GOpen', 'totalSupply', [])
  await act(STRANGER.address, robber, abi, 'rob', [1n])
  expect(await look(robber, abi, 'received')).toBe(3n)
  expect(await look(robber, abi, 'refusals')).toBe(1n)
  expect(await world.read('GOpen', 'totalSupply', [])).toBe(supply - 3n)
  expect(await world.client.getBalance({ address: world.at.GOpen })).toBe(supply - 3n)
})

test('an account that is a contract contributes under its owner’s signature, and nobody else’s', async () => {
  const wallet = await createEvil('Wallet', [BOB.address])
  const { modelId } = await propose(world)
  await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n, 0])
  const batch: Batch = {
    datanetId: await world.read('DatanetRegistry', 'datanetCount', []),
    contributor: wallet,
    contents: contentsOf('wallet', 2),
    stakeEach: 0n,
    salt: hashOf('s'),
    deadline: BigInt(GENESIS + 10_000_000),
  }
  await world.send(STRANGER, 'DatanetRegistry', 'commit', [commitmentOf(batch), wallet])
  const forged = await signBatch(world, ALICE, batch, 0n)
  expect((await world.errorOf(STRANGER, 'DatanetRegistry', 'submit', submitArguments(batch, forged))).name).toBe(
    'DatanetRegistry.BadSignature',
  )
  const signature = await signBatch(world, BOB, batch, 0n)
  const { events } = await world.send(STRANGER, 'DatanetRegistry', 'submit', submitArguments(batch, signature))
  expect(events[0]).toMatchObject({ name: 'ContributionSubmitted', args: { contributor: wallet.toLowerCase() } })
})
