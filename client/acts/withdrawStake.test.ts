import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { OPERATOR, SETTINGS } from '#contracts/test/world.ts'
import { contribute, createDatanet, dispute, withdrawStake } from '../index.ts'
import { contents } from '../test/contents.ts'
import { received, sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('the stakes of accepted samples come back when their hold is over', async () => {
  const { as, world, modelId } = system()
  const [owner, alice] = [await as(2), await as(4)]
  const datanetId = await createDatanet(owner, { modelId, licence: 'CC0-1.0', minStake: parseEther('0.5') })
  const { ids } = await contribute(alice, { datanetId, samples: contents('refund', 2) })
  const given = [...ids.values()].map(BigInt)
  const ones = given.map(() => 1)
  await world.send(OPERATOR, 'DatanetRegistry', 'score', [given, ones, ones, ones, ones.map(() => 'fine')])
  await expect(withdrawStake(alice, given)).rejects.toThrow(
    /DatanetRegistry.withdrawStake is refused: The stake is held until that time. Try again at that time. \(StakeHeld: contributionId \d+, until 20\d\d-/,
  )
  const until = new Date(((await world.now()) + SETTINGS.stakeHold) * 1000)
  const { nextAt, ...held } = await withdrawStake(alice)
  expect(held).toEqual({ contributions: 0, wei: 0n, held: 2, disputed: 0 })
  expect(Math.abs(Date.parse(nextAt ?? '') - until.getTime())).toBeLessThan(60_000)
  await world.warp(SETTINGS.stakeHold + 1)
  expect(await received(world, 4, () => withdrawStake(alice, given.slice(0, 1)))).toBe(parseEther('0.5'))
  await expect(withdrawStake(alice, given)).rejects.toThrow(/It was taken back before, or slashed. \(NoStake/)
  await expect(withdrawStake(owner, given)).rejects.toThrow(/Use the contributor’s account. \(NotContributor/)
  const returned = { contributions: 1, wei: parseEther('0.5'), held: 0, disputed: 0 }
  expect(await withdrawStake(alice)).toEqual(returned)
  expect(await withdrawStake(alice)).toEqual({ ...returned, contributions: 0, wei: 0n })
  expect(await withdrawStake(owner)).toMatchObject({ contributions: 0, held: 0 })
})

test('all free stakes come back, in as many transactions as it takes; disputed ones stay', async () => {
  const { as, world, modelId } = system()
  const alice = await as(4)
  const datanetId = await createDatanet(await as(2), { modelId, licence: 'CC0-1.0', minStake: 1n })
  const { ids } = await contribute(alice, { datanetId, samples: contents('many', 104) })
  const given = [...ids.values()].map(BigInt)
  const ones = given.map(() => 1)
  await world.send(OPERATOR, 'DatanetRegistry', 'score', [given, ones, ones, ones, ones.map(() => 'fine')])
  const statement = 'It is about something else.'
  const subjectId = given[7] ?? 0n
  await dispute(await as(6), { subject: 'Contribution', subjectId, ground: 'offTopic', statement })
  await world.warp(SETTINGS.stakeHold + 1)
  const each = parseEther('0.001')
  await expect(withdrawStake(alice, [subjectId])).rejects.toThrow(/Wait until the dispute is decided.*\(Disputed/)
  const sent = () => world.client.getTransactionCount({ address: devAccount(4).address })
  const before = await sent()
  expect(await withdrawStake(alice)).toEqual({ contributions: 103, wei: 103n * each, held: 0, disputed: 1 })
  expect((await sent()) - before).toBe(2)
})
