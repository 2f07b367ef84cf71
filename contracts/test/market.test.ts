import type { Address } from 'viem'
import { zeroAddress } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ChannelPlace, channelConfig, channelId } from '#rules/channel.ts'
import { evaluate, mandate, version } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { channelOf, depositCredit, marketPlace, redemption } from './vouchers.ts'
import { ALICE, BOB, CONSUMER, HOST, OPERATOR, SETTINGS, STRANGER, startWorld, type World } from './world.ts'

let world: World
let serving: bigint
let refused: bigint
let otherModel: bigint
beforeAll(async () => {
  world = await startWorld()
  const modelId = await mandate(world)
  serving = await promoted(modelId)
  refused = await version(world, modelId, OPERATOR.address)
  otherModel = await promoted(await mandate(world, { budget: 0n }))
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [serving, 'https://one.example', 30n, 60n])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [serving, 'https://two.example', 30n, 60n])
  await depositCredit(world, channelOf(), 100n)
}, 600_000)
restoreWorld(() => world)

async function promoted(modelId: bigint): Promise<bigint> {
  const versionId = await version(world, modelId, OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  return versionId
}

describe('an endpoint', () => {
  test('serves promoted versions only, and only while they are not rolled back', async () => {
    const register = async (versionId: bigint, url = 'https://x.example') =>
      (await world.errorOf(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, url, 1n, 1n])).name
    expect(await register(refused)).toBe('InferenceMarket.VersionNotServing')
    expect(await register(99n)).toBe('InferenceMarket.VersionNotServing')
    for (const length of [0, 2_049])
      expect(await register(serving, 'x'.repeat(length))).toBe('InferenceMarket.WrongUrlLength')
    await world.undone(() =>
      world.send(HOST, 'InferenceMarket', 'registerEndpoint', [serving, 'x'.repeat(2_048), 1n, 1n]),
    )
    expect((await world.errorOf(HOST, 'InferenceMarket', 'setVersion', [1n, refused])).name).toBe(
      'InferenceMarket.VersionNotServing',
    )
    const timelock = await world.impersonate(world.at.TimelockController)
    await world.send(timelock, 'ModelRegistry', 'rollback', [serving, 'regression'])
    expect(await register(serving)).toBe('InferenceMarket.VersionNotServing')
  })

  test('never changes to a version of another model, whose mandate would divide the fees otherwise', async () => {
    expect(await world.errorOf(HOST, 'InferenceMarket', 'setVersion', [1n, otherModel])).toEqual({
      name: 'InferenceMarket.OtherModel',
      args: [otherModel, 1n],
    })
    const newer = await promoted(1n)
    const { events } = await world.send(HOST, 'InferenceMarket', 'setVersion', [1n, newer])
    expect(events.map(({ name }) => name)).toEqual(['EndpointVersionChanged'])
    expect((await world.errorOf(HOST, 'InferenceMarket', 'setVersion', [1n, otherModel])).name).toBe(
      'InferenceMarket.OtherModel',
    )
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
  const config = (channel: ChannelPlace = channelOf()) => channelConfig(marketPlace(world), channel)
  const request = async (amount: bigint, from = CONSUMER.address) =>
    (await world.errorOf(from, 'InferenceMarket', 'requestWithdrawal', [config(), amount])).name
  const withdraw = async (from = CONSUMER.address) =>
    (await world.errorOf(from, 'InferenceMarket', 'withdraw', [config()])).name
  const balance = async (channel: ChannelPlace = channelOf()) =>
    (await world.read('InferenceMarket', 'channels', [channelId(marketPlace(world), channel)]))[0]
  const redeem = async (total: bigint) =>
    world.send(HOST, 'InferenceMarket', 'redeem', [[await redemption(world, channelOf(), total)]])

  test('is deposited by anybody, and only the consumer withdraws it, after the delay', async () => {
    await depositCredit(world, channelOf(), 5n, ALICE.address)
    expect(await balance()).toBe(105n)
    expect(await withdraw()).toBe('InferenceMarket.NothingToWithdraw')
    expect(await request(0n)).toBe('InferenceMarket.ZeroAmount')
    expect(await request(106n)).toBe('InferenceMarket.InsufficientCredit')
    expect(await request(5n, ALICE.address)).toBe('InferenceMarket.NotConsumer')
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [config(), 60n])
    expect(await withdraw()).toBe('InferenceMarket.WithdrawalTooEarly')
    await world.warp(SETTINGS.withdrawalDelay)
    expect(await withdraw(HOST.address)).toBe('InferenceMarket.NotConsumer')
    const before = await world.balance(CONSUMER.address)
    await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [config()])
    expect((await world.balance(CONSUMER.address)) - before).toBe(60n)
    expect(await withdraw()).toBe('InferenceMarket.NothingToWithdraw')
  })

  test('is deposited only in a channel with that endpoint of this market', async () => {
    const deposit = async (over: Partial<ReturnType<typeof config>>, endpointId = 1n, amount = 5n) =>
      (await world.errorOf(ALICE, 'InferenceMarket', 'deposit', [endpointId, { ...config(), ...over }, amount])).name
    const stranger = STRANGER.address
    expect(await deposit({})).toBe('none')
    expect(await deposit({ salt: channelId(marketPlace(world), channelOf()) })).toBe('none')
    expect(await deposit({}, 9n)).toBe('InferenceMarket.UnknownEndpoint')
    expect(await deposit({}, 1n, 0n)).toBe('InferenceMarket.ZeroAmount')
    for (const over of [
      { payer: zeroAddress },
      { payerAuthorizer: zeroAddress },
      { receiver: stranger },
      { receiverAuthorizer: stranger },
      { receiverAuthorizer: world.at.InferenceMarket },
      { token: stranger },
      { withdrawDelay: SETTINGS.withdrawalDelay - 1 },
      { withdrawDelay: SETTINGS.withdrawalDelay + 1 },
    ])
      expect(await deposit(over), JSON.stringify(over)).toBe('InferenceMarket.NotAChannelOf')
    // The first endpoint's channel is none of the second's, though both have one host.
    expect(await deposit({}, 2n)).toBe('InferenceMarket.NotAChannelOf')
  })

  test('that the host redeemed during the delay is not paid out', async () => {
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [config(), 100n])
    await redeem(70n)
    await world.warp(SETTINGS.withdrawalDelay)
    const { events } = await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [config()])
    expect(events[0]).toMatchObject({ name: 'CreditWithdrawn', args: { amount: 30n } })
    await depositCredit(world, channelOf(), 1n, BOB.address)
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [config(), 1n])
    await redeem(71n)
    await world.warp(SETTINGS.withdrawalDelay)
    expect(await withdraw()).toBe('InferenceMarket.NothingToWithdraw')
  })

  test('is withdrawn only as far as it was requested: a later deposit waits for its own request', async () => {
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [config(), 40n])
    await world.warp(SETTINGS.withdrawalDelay)
    await depositCredit(world, channelOf(), 500n)
    const { events } = await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [config()])
    expect(events[0]).toMatchObject({ name: 'CreditWithdrawn', args: { amount: 40n } })
    expect(await balance()).toBe(560n)
    // A new request replaces the last one and its time.
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [config(), 1n])
    await world.warp(SETTINGS.withdrawalDelay)
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [config(), 560n])
    expect(await withdraw()).toBe('InferenceMarket.WithdrawalTooEarly')
  })

  test('of one channel cannot be promised to two endpoints: each redeems its own channel only', async () => {
    const [one, two] = [channelOf(), channelOf({ endpointId: 2n })]
    await depositCredit(world, two, 7n)
    const [first, second] = [await redemption(world, one, 100n), await redemption(world, two, 100n, { total: 7n })]
    const { events } = await world.send(HOST, 'InferenceMarket', 'redeem', [
      [{ ...second, total: 8n }, second, { ...first, endpointId: 2n }, { ...second, endpointId: 1n }, first],
    ])
    const paid = events.filter((event) => event.name === 'Redeemed').map(({ args }) => [args.endpointId, args.amount])
    expect(paid).toEqual([
      [2n, 7n],
      [1n, 100n],
    ])
    expect([await balance(one), await balance(two)]).toEqual([0n, 0n])
  })
})
