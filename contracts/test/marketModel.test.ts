import fc from 'fast-check'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChannelPlace, channelConfig, channelId } from '#rules/channel.ts'
import { REDEMPTION_FAILURES } from '#schema/onchain/market.ts'
import { must } from '#test/must.ts'
import { evaluate, mandate, version } from './mandate.ts'
import { channelOf, depositCredit, marketPlace, redemption } from './vouchers.ts'
import { BOB, CAROL, HOST, OPERATOR, SETTINGS, STRANGER, startWorld, type World } from './world.ts'

/** Of two consumers, with two endpoints of one host and with the endpoint of another host. */
const CHANNELS: ChannelPlace[] = [
  channelOf(),
  channelOf({ endpointId: 2n }),
  channelOf({ consumer: BOB.address }),
  channelOf({ consumer: BOB.address, endpointId: 3n, host: CAROL.address }),
]

let world: World
beforeAll(async () => {
  world = await startWorld()
  const versionId = await version(world, await mandate(world), OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  for (const host of [HOST, HOST, CAROL])
    await world.send(host, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://one.example', 30n, 60n])
})
afterAll(() => world?.anvil.stop())

type State = { balance: bigint; redeemed: bigint; withdrawing: bigint; withdrawableAt: number }

const channel = fc.nat(CHANNELS.length - 1)
const wei = fc.bigInt(0n, 40n)
const claim = fc.record({
  channel,
  ceiling: fc.bigInt(0n, 120n),
  over: fc.constantFrom(0n, 0n, 0n, 1n),
  less: fc.bigInt(0n, 20n),
  fault: fc.constantFrom('none', 'none', 'none', 'signature', 'endpoint'),
})
const step = fc.oneof(
  fc.record({ kind: fc.constant('deposit' as const), channel, amount: wei }),
  fc.record({ kind: fc.constant('request' as const), channel, amount: wei }),
  fc.record({ kind: fc.constant('request' as const), channel, amount: fc.bigInt(1n, 9n) }),
  fc.record({ kind: fc.constant('withdraw' as const), channel }),
  fc.record({ kind: fc.constant('withdraw' as const), channel }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(100, SETTINGS.withdrawalDelay) }),
  fc.record({
    kind: fc.constant('redeem' as const),
    byOther: fc.boolean(),
    claims: fc.array(claim, { minLength: 1, maxLength: 6 }),
  }),
)

test('whatever happens, in any order, channels move as the model says, and the market holds what they have', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 25, maxLength: 40 }), async (steps) => {
      await world.undone(async () => {
        const states = CHANNELS.map((): State => ({ balance: 0n, redeemed: 0n, withdrawing: 0n, withdrawableAt: 0 }))
        for (const one of steps) {
          const now = (await world.now()) + 1
          if (one.kind === 'wait') await world.warp(one.seconds)
          else if (one.kind === 'redeem') for (const reason of await redeem(states, one)) seen.add(reason)
          else seen.add(`${one.kind} ${await move(states, one, now)}`)
          await check(states)
        }
      })
    }),
    { numRuns: 15, seed: 13 },
  )
  for (const kind of [
    ...['deposit', 'request', 'withdraw'].map((one) => `${one} none`),
    'withdraw NothingToWithdraw',
    'withdraw WithdrawalTooEarly',
    ...REDEMPTION_FAILURES.filter((reason) => reason !== 'UnknownEndpoint'),
  ])
    expect(seen, kind).toContain(kind)
})

type Move = { kind: 'deposit' | 'request' | 'withdraw'; channel: number; amount?: bigint }

/** Deposits, requests a withdrawal or withdraws. @returns the error, or `none` */
async function move(states: State[], { kind, channel, amount = 0n }: Move, now: number): Promise<string> {
  const place = must(CHANNELS[channel])
  const state = must(states[channel])
  const config = channelConfig(marketPlace(world), place)
  const paid = state.balance < state.withdrawing ? state.balance : state.withdrawing
  const expected =
    kind !== 'withdraw'
      ? amount === 0n
        ? 'ZeroAmount'
        : kind === 'request' && amount > state.balance
          ? 'InsufficientCredit'
          : 'none'
      : state.withdrawing === 0n
        ? 'NothingToWithdraw'
        : now < state.withdrawableAt
          ? 'WithdrawalTooEarly'
          : paid === 0n
            ? 'NothingToWithdraw'
            : 'none'
  const call =
    kind === 'deposit'
      ? (['deposit', [place.endpointId, config, amount]] as const)
      : kind === 'request'
        ? (['requestWithdrawal', [config, amount]] as const)
        : (['withdraw', [config]] as const)
  // `never`: one of three calls, each with its own arguments.
  const { name } = await world.errorOf(place.consumer, 'InferenceMarket', call[0], call[1] as never)
  expect(name).toBe(expected === 'none' ? 'none' : `InferenceMarket.${expected}`)
  if (expected !== 'none') return expected
  const had = await world.balance(place.consumer)
  if (kind === 'deposit') await depositCredit(world, place, amount)
  else await world.send(place.consumer, 'InferenceMarket', call[0], call[1] as never)
  const gained = (await world.balance(place.consumer)) - had
  if (kind === 'deposit') state.balance += amount
  if (kind === 'request')
    Object.assign(state, { withdrawing: amount, withdrawableAt: (await world.now()) + SETTINGS.withdrawalDelay })
  if (kind === 'withdraw') Object.assign(state, { balance: state.balance - paid, withdrawing: 0n, withdrawableAt: 0 })
  expect(gained).toBe(kind === 'deposit' ? -amount : kind === 'withdraw' ? paid : 0n)
  return 'none'
}

type Claims = {
  byOther: boolean
  claims: { channel: number; ceiling: bigint; over: bigint; less: bigint; fault: string }[]
}

/** One call with several redemptions, among them wrong ones. @returns the outcome of each */
async function redeem(states: State[], { byOther, claims }: Claims): Promise<string[]> {
  const host = byOther ? CAROL : HOST
  const expected: string[] = []
  const given = []
  let moved = 0n
  for (const { channel, ceiling, over, less, fault } of claims) {
    const place = must(CHANNELS[channel])
    const state = must(states[channel])
    const total = over === 0n ? (ceiling > less ? ceiling - less : 0n) : ceiling + over
    const endpointId = fault === 'endpoint' ? (place.endpointId % 3n) + 1n : place.endpointId
    const forged = await redemption(world, place, ceiling + 1n)
    const one = await redemption(world, place, ceiling, { total, endpointId })
    given.push(fault === 'signature' ? { ...one, signature: forged.signature } : one)
    const reason = (): (typeof REDEMPTION_FAILURES)[number] => {
      if ((endpointId === 3n) !== byOther) return 'NotHost'
      if (fault === 'endpoint') return 'OtherChannel'
      if (total <= state.redeemed) return 'NothingNew'
      if (total > ceiling) return 'BeyondCeiling'
      if (total - state.redeemed > state.balance) return 'InsufficientCredit'
      return fault === 'signature' ? 'BadSignature' : 'None'
    }
    const outcome = reason()
    expected.push(outcome)
    if (outcome !== 'None') continue
    moved += total - state.redeemed
    state.balance -= total - state.redeemed
    state.redeemed = total
  }
  const { events } = await world.send(host, 'InferenceMarket', 'redeem', [given])
  const outcomes = events.flatMap((event) =>
    event.name === 'Redeemed'
      ? ['None']
      : event.name === 'RedemptionFailed'
        ? [REDEMPTION_FAILURES[event.args.reason]]
        : [],
  )
  expect(outcomes).toEqual(expected)
  const funded = events.flatMap((event) => (event.name === 'EpochFunded' ? [event.args.amount] : []))
  expect(funded).toEqual(moved === 0n ? [] : [moved])
  return expected
}

async function check(states: State[]): Promise<void> {
  const ids = CHANNELS.map((one): Hex => channelId(marketPlace(world), one))
  for (const [i, { balance, redeemed, withdrawing, withdrawableAt }] of states.entries())
    expect(await world.read('InferenceMarket', 'channels', [must(ids[i])])).toEqual([
      balance,
      redeemed,
      withdrawing,
      BigInt(withdrawableAt),
    ])
  const sum = (pick: (state: State) => bigint) => states.reduce((total, state) => total + pick(state), 0n)
  expect(await world.balance(world.at.InferenceMarket)).toBe(sum(({ balance }) => balance))
  expect(await world.balance(world.at.RewardDistributor)).toBe(sum(({ redeemed }) => redeemed))
}
