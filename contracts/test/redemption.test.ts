import {
  type Hex,
  hexToBigInt,
  numberToHex,
  parseSignature,
  serializeCompactSignature,
  serializeSignature,
  signatureToCompactSignature,
  toHex,
} from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { readSignature, requireSigner } from '#graphql/commands/voucherSignature.ts'
import { channelConfig, channelId } from '#rules/channel.ts'
import { REDEMPTION_FAILURES } from '#schema/onchain/market.ts'
import { evaluate, mandate, version } from './mandate.ts'
import { mineUntil } from './publication.ts'
import { restoreWorld } from './restoreWorld.ts'
import { channelOf, depositCredit, marketPlace, redemption, signTestVoucher } from './vouchers.ts'
import {
  ALICE,
  BOB,
  CAROL,
  CONSUMER,
  HOST,
  hashOf,
  OPERATOR,
  SETTINGS,
  STRANGER,
  startWorld,
  type World,
} from './world.ts'

/** The order of secp256k1. */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

let world: World
let versionId: bigint
beforeAll(async () => {
  world = await startWorld()
  versionId = await version(world, await mandate(world), OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  for (const host of [HOST, HOST, CAROL])
    await world.send(host, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://one.example', 30n, 60n])
  await depositCredit(world, channelOf(), 100n)
}, 600_000)
restoreWorld(() => world)

type Given = Awaited<ReturnType<typeof redemption>>
const redeem = (redemptions: Given[], from = HOST) => world.send(from, 'InferenceMarket', 'redeem', [redemptions])

let bystanders = 0

/** Redeems these, with a good redemption of 1 wei by another consumer after each. @returns the reasons of the failures; `none` for a success */
async function reasonsOf(redemptions: Given[], from = HOST): Promise<string[]> {
  const [endpointId, salt] = [from === HOST ? 1n : 3n, toHex(++bystanders, { size: 32 })]
  const bystander = channelOf({ consumer: BOB.address, host: from.address, endpointId, salt })
  await depositCredit(world, bystander, BigInt(redemptions.length))
  const mixed = await Promise.all(
    redemptions.map(async (one, i) => [one, await redemption(world, bystander, BigInt(i + 1))]),
  )
  const { events } = await redeem(mixed.flat(), from)
  const outcomes = events.flatMap((event) =>
    event.name === 'RedemptionFailed'
      ? [String(REDEMPTION_FAILURES[event.args.reason])]
      : event.name === 'Redeemed' && event.args.consumer !== BOB.address.toLowerCase()
        ? ['none']
        : [],
  )
  const paidOthers = events.filter((e) => e.name === 'Redeemed' && e.args.consumer === BOB.address.toLowerCase())
  expect(paidOthers, 'a failure stopped the redemption of another consumer').toHaveLength(redemptions.length)
  expect(outcomes).toHaveLength(redemptions.length)
  return outcomes
}

describe('a redemption', () => {
  test('moves fees from the channel to the running epoch, and names endpoint, channel, version and epoch', async () => {
    const other = channelOf({ consumer: BOB.address, key: ALICE.address })
    await depositCredit(world, other, 50n)
    const { events } = await redeem([
      await redemption(world, channelOf(), 100n, { total: 40n }),
      await redemption(world, other, 25n),
    ])
    const id = (channel: typeof other) => channelId(marketPlace(world), channel)
    expect(events.filter(({ name }) => name === 'Redeemed').map(({ args }) => args)).toEqual([
      ...[[channelOf(), 40n] as const, [other, 25n] as const].map(([channel, amount]) => ({
        endpointId: 1n,
        channelId: id(channel),
        consumer: channel.consumer.toLowerCase(),
        versionId,
        epoch: 1n,
        total: amount,
        amount,
      })),
    ])
    expect(events.find(({ name }) => name === 'EpochFunded')?.args).toMatchObject({ epoch: 1n, amount: 65n })
    expect(await world.balance(world.at.RewardDistributor)).toBe(65n)
    expect(await world.balance(world.at.InferenceMarket)).toBe(85n)
    // The same voucher continues up to its ceiling.
    const rest = await redeem([await redemption(world, channelOf(), 100n)])
    expect(rest.events.find(({ name }) => name === 'Redeemed')?.args).toMatchObject({ total: 100n, amount: 60n })
  })

  test('belongs to the epoch of its block: in the last block of a period to the running one, in the next to a new one', async () => {
    const firstBlock = await world.read('RewardDistributor', 'firstBlock', [])
    const head = await world.client.getBlockNumber()
    const length = BigInt(SETTINGS.epochLength)
    const last = firstBlock + ((head - firstBlock) / length + 2n) * length - 1n
    for (const [total, block, epoch] of [
      [1n, last, 1n],
      [2n, last + 1n, 2n],
      [3n, last + length, 2n],
      [4n, last + length + 1n, 3n],
    ] as const) {
      await mineUntil(world, block)
      const sent = await redeem([await redemption(world, channelOf(), total)])
      expect(sent.block).toBe(block)
      const [redeemed, funded] = ['Redeemed', 'EpochFunded'].map((name) => sent.events.find((one) => one.name === name))
      expect(redeemed?.args).toMatchObject({ epoch, amount: 1n })
      expect(funded?.args).toMatchObject({ epoch, amount: 1n, toBlock: last + (epoch - 1n) * length })
    }
  })

  test('that is repeated, as after a restored backup, moves nothing', async () => {
    const given = await redemption(world, channelOf(), 30n)
    await redeem([given])
    expect(await reasonsOf([given, { ...given, total: 29n }, { ...given, total: 0n }])).toEqual(
      Array.from({ length: 3 }, () => 'NothingNew'),
    )
    expect(await world.balance(world.at.InferenceMarket)).toBe(70n)
  })

  test('of nothing, or of failures alone, funds nothing', async () => {
    expect((await redeem([])).events).toEqual([])
    const { events } = await redeem([await redemption(world, channelOf(), 101n)])
    expect(events.map(({ name }) => name)).toEqual(['RedemptionFailed'])
    expect(await world.read('RewardDistributor', 'epochCount', [])).toBe(0n)
  })
})

describe('a redemption fails alone', () => {
  const place = () => marketPlace(world)

  test('under a signature that is not exactly the key’s: v of 0 or 1, high s, 64 bytes, another key, other bytes', async () => {
    const good = await redemption(world, channelOf(), 10n)
    const { r, s, yParity } = parseSignature(good.signature)
    const rs = good.signature.slice(0, 130)
    const junk: Hex[] = [
      `${rs}0${yParity}` as Hex,
      serializeSignature({ r, s: numberToHex(N - hexToBigInt(s), { size: 32 }), yParity: 1 - yParity }),
      serializeCompactSignature(signatureToCompactSignature({ r, s, yParity })),
      rs as Hex,
      `${good.signature}00`,
      `${rs}1d` as Hex,
      `0x${'00'.repeat(65)}`,
      '0x',
    ]
    const others = await Promise.all([HOST, ALICE, BOB].map((one) => signTestVoucher(world, one, voucherOf(10n))))
    const reasons = await reasonsOf([...junk, ...others].map((signature) => ({ ...good, signature })))
    expect(reasons).toEqual(reasons.map(() => 'BadSignature'))
    expect(await reasonsOf([good])).toEqual(['none'])
    // The API refuses the same signatures, before it answers anything.
    for (const signature of [...junk, ...others]) expect(await apiTakes(signature), signature).toBe(false)
    expect(await apiTakes(good.signature)).toBe(true)
  })

  const apiTakes = async (signature: Hex) => {
    const key = CONSUMER.address.toLowerCase()
    const check = async () => requireSigner(world.deployment.chainId, key, voucherOf(10n), readSignature(signature))
    return check().then(
      () => true,
      () => false,
    )
  }

  const voucherOf = (ceiling: bigint, channel = channelOf()) => ({ channelId: channelId(place(), channel), ceiling })

  test('under a signature for another chain, contract, name, ceiling, salt, key, endpoint or market', async () => {
    const good = await redemption(world, channelOf(), 10n)
    const elsewhere = { ...place(), market: world.at.Disputes }
    const signatures = await Promise.all([
      signTestVoucher(world, CONSUMER, voucherOf(10n), { chainId: 1 }),
      signTestVoucher(world, CONSUMER, voucherOf(10n), { contract: world.at.InferenceMarket }),
      signTestVoucher(world, CONSUMER, voucherOf(10n), { name: 'InferenceMarket' }),
      signTestVoucher(world, CONSUMER, voucherOf(9n)),
      signTestVoucher(world, CONSUMER, voucherOf(10n, channelOf({ salt: hashOf('salt') }))),
      signTestVoucher(world, CONSUMER, voucherOf(10n, channelOf({ key: ALICE.address }))),
      signTestVoucher(world, CONSUMER, voucherOf(10n, channelOf({ endpointId: 2n }))),
      signTestVoucher(world, CONSUMER, { channelId: channelId(elsewhere, channelOf()), ceiling: 10n }),
    ])
    const reasons = await reasonsOf(signatures.map((signature) => ({ ...good, signature })))
    expect(reasons).toEqual(reasons.map(() => 'BadSignature'))
  })

  test('at an unknown endpoint, another endpoint of the host, another host or another market', async () => {
    const good = await redemption(world, channelOf(), 10n)
    const elsewhere = channelConfig({ ...place(), market: world.at.Disputes }, channelOf())
    expect(await reasonsOf([{ ...good, endpointId: 9n }])).toEqual(['UnknownEndpoint'])
    expect(await reasonsOf([{ ...good, endpointId: 3n }])).toEqual(['NotHost'])
    expect(
      await reasonsOf([
        { ...good, endpointId: 2n },
        { ...good, channel: elsewhere },
      ]),
    ).toEqual(['OtherChannel', 'OtherChannel'])
    // Carol redeems the voucher of the other host's consumer, at its endpoint and at her own.
    expect(await reasonsOf([good, { ...good, endpointId: 3n }], CAROL)).toEqual(['NotHost', 'OtherChannel'])
  })

  test('from a channel that looks like the deposited one but differs in any field', async () => {
    const good = await redemption(world, channelOf(), 10n)
    const changed = [
      { payer: HOST.address },
      { payerAuthorizer: HOST.address },
      { receiver: CAROL.address },
      { token: HOST.address },
      { withdrawDelay: 0 },
      { salt: hashOf('salt') },
    ].map((over) => ({ ...good, channel: { ...good.channel, ...over } }))
    expect(await reasonsOf(changed)).toEqual(changed.map(() => 'InsufficientCredit'))
  })

  test('beyond the ceiling, and beyond the credit, also when the consumer has withdrawn it', async () => {
    const good = await redemption(world, channelOf(), 10n)
    const most = await redemption(world, channelOf(), 2n ** 128n - 1n)
    expect(await reasonsOf([{ ...good, total: 11n }, { ...most, total: 101n }, most])).toEqual([
      'BeyondCeiling',
      'InsufficientCredit',
      'InsufficientCredit',
    ])
    await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [channelConfig(place(), channelOf()), 95n])
    await world.warp(SETTINGS.withdrawalDelay)
    await world.send(CONSUMER, 'InferenceMarket', 'withdraw', [channelConfig(place(), channelOf())])
    expect(await reasonsOf([good, { ...good, total: 5n }])).toEqual(['InsufficientCredit', 'none'])
  })

  test('never because of the consumer’s code: neither a contract nor a delegation of the account is asked', async () => {
    // What an account under EIP-7702 has as code. The target answers every call with a revert.
    await world.rpc('anvil_setCode', [CONSUMER.address, `0xef0100${world.at.Treasury.slice(2)}`])
    expect(await reasonsOf([await redemption(world, channelOf(), 10n)])).toEqual(['none'])
    await world.rpc('anvil_setCode', [CONSUMER.address, '0x5f5ffd'])
    expect(await reasonsOf([await redemption(world, channelOf(), 20n)])).toEqual(['none'])
  })
})
