import { expect, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { evaluate, version } from '#contracts/test/mandate.ts'
import { OPERATOR } from '#contracts/test/world.ts'
import { deposit, openEndpoint, pointEndpoint, requestWithdrawal, setPrice, withdraw } from '../index.ts'
import { received, sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('a host points its endpoint at another version and sets its price; nobody else can', async () => {
  const { as, world, modelId } = system()
  const versions = []
  for (const _ of ['first', 'second']) {
    const id = await version(world, modelId, OPERATOR.address)
    await evaluate(world, id, OPERATOR.address)
    await world.send(OPERATOR, 'ModelRegistry', 'promote', [id])
    versions.push(id)
  }
  const [versionId = 0n, other = 0n] = versions
  const host = await as(7)
  const endpointId = await openEndpoint(host, { versionId, url: 'https://one.example', priceIn: 1n, priceOut: 2n })
  await pointEndpoint(host, { endpointId, versionId: other })
  await setPrice(host, { endpointId, priceIn: 3n, priceOut: 4n })
  expect(await host.read('InferenceMarket', 'endpoints', [endpointId])).toEqual([devAccount(7).address, other, 3n, 4n])
  await expect(setPrice(await as(4), { endpointId, priceIn: 0n, priceOut: 0n })).rejects.toThrow(
    /Use the host’s account\. \(NotHost/,
  )

  const consumer = await as(8)
  await deposit(consumer, { endpointId, amount: 50n })
  const availableAt = await requestWithdrawal(consumer, { endpointId, amount: 20n })
  await expect(withdraw(consumer, endpointId)).rejects.toThrow(/Try again at that time\. \(WithdrawalTooEarly/)
  await world.warp(availableAt.getTime() / 1000 - (await world.now()))
  let amount = 0n
  expect(
    await received(world, 8, async () => {
      amount = await withdraw(consumer, endpointId)
    }),
  ).toBe(20n)
  expect(amount).toBe(20n)
})
