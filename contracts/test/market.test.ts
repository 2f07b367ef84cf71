import type { Address, Hex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { VoucherMessage } from '#rules/signing.ts'
import { evaluate, mandate, version } from './mandate.ts'
import { signVoucher } from './vouchers.ts'
import { ALICE, BOB, CONSUMER, GENESIS, HOST, hashOf, OPERATOR, STRANGER, startWorld, type World } from './world.ts'

const ZERO = `0x${'0'.repeat(64)}` as const
const NOBODY = `0x${'0'.repeat(40)}` as const
const ROOT = hashOf('usage')

let world: World
let serving: bigint
let refused: bigint
let clean: Hex
beforeAll(async () => {
  world = await startWorld()
  const modelId = await mandate(world)
  serving = await version(world, modelId, OPERATOR.address)
  await evaluate(world, serving, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [serving])
  refused = await version(world, modelId, OPERATOR.address)
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [serving, 'https://one.example', 30n, 60n])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [serving, 'https://two.example', 30n, 60n])
  await world.send(CONSUMER, 'InferenceMarket', 'deposit', [CONSUMER.address, 100n])
})
afterAll(() => world?.anvil.stop())
beforeEach(async () => {
  clean = await world.snapshot()
})
afterEach(() => world.revert(clean))

const grant = (cumulative: bigint, over: Partial<VoucherMessage> = {}): VoucherMessage => ({
  consumer: CONSUMER.address,
  endpointId: 1n,
  cumulative,
  deadline: BigInt(GENESIS + 100_000),
  ...over,
})
const redemption = async (voucher: VoucherMessage, amount: bigint, signer: HDAccount = CONSUMER) => ({
  voucher,
  amount,
  signature: await signVoucher(world, signer, voucher),
})
type Redemption = Awaited<ReturnType<typeof redemption>>
const usage = (epoch: bigint, fees: bigint, redemptions: Redemption[], endpointId = 1n, root: Hex = ROOT) =>
  [epoch, endpointId, root, 1_000n, 500n, fees, redemptions] as const
const settle = (...args: Parameters<typeof usage>) => world.send(HOST, 'InferenceMarket', 'settleUsage', usage(...args))
const settleError = async (...args: Parameters<typeof usage>) =>
  (await world.errorOf(HOST, 'InferenceMarket', 'settleUsage', usage(...args))).name

describe('an endpoint', () => {
  test('serves promoted versions only, and only while they are not rolled back', async () => {
    const register = async (versionId: bigint, url = 'https://x.example') =>
      (await world.errorOf(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, url, 1n, 1n])).name
    expect(await register(refused)).toBe('InferenceMarket.VersionNotServing')
    expect(await register(99n)).toBe('InferenceMarket.VersionNotServing')
    expect(await register(serving, '')).toBe('InferenceMarket.EmptyUrl')
    expect((await world.errorOf(HOST, 'InferenceMarket', 'setVersion', [1n, refused])).name).toBe(
      'InferenceMarket.VersionNotServing',
    )
    const timelock = await world.impersonate(world.at.TimelockController)
    await world.send(timelock, 'ModelRegistry', 'rollback', [serving, 'regression'])
    expect(await register(serving)).toBe('InferenceMarket.VersionNotServing')
  })

  test('lets only its host change version and price', async () => {
    const priced = await world.send(HOST, 'InferenceMarket', 'setPrice', [1n, 7n, 8n])
    expect(priced.events).toEqual([
      { contract: 'InferenceMarket', name: 'PriceChanged', args: { endpointId: 1n, priceIn: 7n, priceOut: 8n } },
    ])
    await world.send(HOST, 'InferenceMarket', 'setVersion', [1n, serving])
    const error = async (from: Address, id: bigint) =>
      (await world.errorOf(from, 'InferenceMarket', 'setPrice', [id, 1n, 1n])).name
    expect(await error(STRANGER.address, 1n)).toBe('InferenceMarket.NotHost')
    expect(await error(HOST.address, 9n)).toBe('InferenceMarket.UnknownEndpoint')
    expect((await world.errorOf(STRANGER, 'InferenceMarket', 'setVersion', [1n, serving])).name).toBe(
      'InferenceMarket.NotHost',
    )
    expect((await world.errorOf(HOST, 'InferenceMarket', 'setPrice', [1n, 2n ** 128n, 1n])).name).toBe(
      'InferenceMarket.SafeCastOverflowedUintDowncast',
    )
  })
})

describe('credit', () => {
  const request = async (amount: bigint) =>
    (await world.errorOf(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [amount])).name
  const withdraw = async () => (await world.errorOf(CONSUMER, 'InferenceMarket', 'withdraw', [])).name

  test('is deposited by anybody and withdrawn after the delay', async () => {
    await world.send(ALICE, 'InferenceMarket', 'deposit', [CONSUMER.address, 5n])
    expect(await world.read('InferenceMarket', 'credit', [CONSUMER.address])).toBe(105n)
    expect((await world.errorOf(ALICE, 'InferenceMarket', 'deposit', [NOBODY, 5n])).name).toBe(
      'InferenceMarket.ZeroConsumer',
    )
    expect((await world.errorOf(ALICE, 'InferenceMarket', 'deposit', [ALICE.address, 0n])).name).toBe(
      'InferenceMarket.ZeroAmount',
    )
    expect(await withdraw()).toBe('InferenceMarket.NothingToWithdraw')
    expect(await request(0n)).toBe('InferenceMarket.ZeroAmount')
    expect(await request(106n)).toBe('InferenceMarket.InsufficientCredit')
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [60n])
    expect(await withdraw()).toBe('InferenceMarket.WithdrawalTooEarly')
    await world.warp(300)
    const before = await world.balance(CONSUMER.address)
    await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [])
    expect((await world.balance(CONSUMER.address)) - before).toBe(60n)
    expect(await withdraw()).toBe('InferenceMarket.NothingToWithdraw')
  })

  test('that hosts redeemed during the delay is not paid out', async () => {
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [100n])
    await settle(1n, 70n, [await redemption(grant(70n), 70n)])
    await world.warp(300)
    const { events } = await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [])
    expect(events[0]).toMatchObject({ name: 'CreditWithdrawn', args: { amount: 30n } })
    await world.send(BOB, 'InferenceMarket', 'deposit', [CONSUMER.address, 1n])
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [1n])
    await settle(2n, 1n, [await redemption(grant(71n), 1n)])
    await world.warp(300)
    expect(await withdraw()).toBe('InferenceMarket.NothingToWithdraw')
  })
})

describe('usage', () => {
  test('moves the fees of used calls from the consumers to the epoch’s rewards', async () => {
    await world.send(BOB, 'InferenceMarket', 'deposit', [BOB.address, 50n])
    const { events } = await settle(1n, 65n, [
      await redemption(grant(100n), 40n),
      await redemption(grant(25n, { consumer: BOB.address }), 25n, BOB),
    ])
    expect(events.filter(({ name }) => name === 'VoucherRedeemed').map(({ args }) => args)).toEqual([
      { endpointId: 1n, consumer: CONSUMER.address.toLowerCase(), cumulative: 40n, amount: 40n },
      { endpointId: 1n, consumer: BOB.address.toLowerCase(), cumulative: 25n, amount: 25n },
    ])
    expect(events.map(({ name }) => name)).toEqual(expect.arrayContaining(['UsageSettled', 'EpochFunded']))
    expect(await world.read('RewardDistributor', 'funded', [1n])).toBe(65n)
    expect(await world.balance(world.at.RewardDistributor)).toBe(65n)
    expect(await world.balance(world.at.InferenceMarket)).toBe(85n)
    // The same grant continues up to its total.
    expect(await settleError(2n, 61n, [await redemption(grant(100n), 61n)])).toBe('InferenceMarket.BeyondGrant')
    await settle(2n, 60n, [await redemption(grant(100n), 60n)])
    expect(await settleError(3n, 1n, [await redemption(grant(100n), 1n)])).toBe('InferenceMarket.BeyondGrant')
  })

  test('without fees is settled, too', async () => {
    const { events } = await settle(1n, 0n, [])
    expect(events.map(({ name }) => name)).toEqual(['UsageSettled'])
  })

  test('is settled once per epoch and endpoint, by the host, into an open epoch', async () => {
    expect((await world.errorOf(STRANGER, 'InferenceMarket', 'settleUsage', usage(1n, 0n, []))).name).toBe(
      'InferenceMarket.NotHost',
    )
    expect(await settleError(1n, 0n, [], 9n)).toBe('InferenceMarket.UnknownEndpoint')
    expect(await settleError(1n, 0n, [], 1n, ZERO)).toBe('InferenceMarket.EmptyHash')
    await settle(1n, 0n, [])
    expect(await settleError(1n, 0n, [])).toBe('InferenceMarket.AlreadySettled')
    expect(await settleError(1n, 0n, [], 2n)).toBe('none')
    const { number, hash } = await world.client.getBlock()
    await world.send(OPERATOR, 'RewardDistributor', 'publish', [1n, 0n, number, hash, ZERO, 0n, 'uri', hashOf('code')])
    expect(await settleError(1n, 1n, [await redemption(grant(1n, { endpointId: 2n }), 1n)], 2n)).toBe(
      'RewardDistributor.EpochClosed',
    )
  })

  test('is refused beyond vouchers, credit, deadline and total', async () => {
    const good = await redemption(grant(100n), 40n)
    expect(await settleError(1n, 41n, [good])).toBe('InferenceMarket.FeesMismatch')
    expect(await settleError(1n, 39n, [good])).toBe('InferenceMarket.FeesMismatch')
    expect(await settleError(1n, 0n, [await redemption(grant(100n), 0n)])).toBe('InferenceMarket.ZeroAmount')
    expect(await settleError(1n, 101n, [await redemption(grant(101n), 101n)])).toBe(
      'InferenceMarket.InsufficientCredit',
    )
    expect(await settleError(1n, 80n, [good, await redemption(grant(79n), 40n)])).toBe('InferenceMarket.BeyondGrant')
    expect(await settleError(1n, 1n, [await redemption(grant(1n, { endpointId: 2n }), 1n)])).toBe(
      'InferenceMarket.WrongEndpoint',
    )
    expect(await settleError(1n, 1n, [await redemption(grant(1n, { deadline: BigInt(GENESIS) }), 1n)])).toBe(
      'InferenceMarket.VoucherExpired',
    )
  })

  test('is refused under a signature of somebody else, or for another chain, contract, name or grant', async () => {
    const voucher = grant(10n)
    const forged = [
      await signVoucher(world, HOST, voucher),
      await signVoucher(world, CONSUMER, voucher, { chainId: 1 }),
      await signVoucher(world, CONSUMER, voucher, { contract: world.at.DatanetRegistry }),
      await signVoucher(world, CONSUMER, voucher, { name: 'DatanetRegistry' }),
      await signVoucher(world, CONSUMER, grant(9n)),
      await signVoucher(world, CONSUMER, grant(10n, { endpointId: 2n })),
      await signVoucher(world, CONSUMER, grant(10n, { deadline: voucher.deadline + 1n })),
      await signVoucher(world, CONSUMER, grant(10n, { consumer: BOB.address })),
      '0x' as const,
    ]
    for (const signature of forged)
      expect(await settleError(1n, 10n, [{ voucher, amount: 10n, signature }])).toBe('InferenceMarket.BadSignature')
    expect(await settleError(1n, 10n, [await redemption(voucher, 10n)])).toBe('none')
  })
})
