import { expect, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { balanceOf, type Client, contribute, dispute, memoryState, stake, unstake } from '../index.ts'
import { contents } from '../test/contents.ts'
import { sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('an act that took all of the account’s gOPEN and was interrupted then goes on, although none is left', async () => {
  const { as, modelId } = system()
  const { address } = devAccount(8)
  const state = memoryState()
  const dora = await as(8, { state })
  const { gOpen: amount } = await balanceOf(dora, address)
  expect(amount).toBeGreaterThan(0n)
  const interrupted: Client = { ...dora, ask: () => Promise.reject(new Error('killed')) }
  await expect(stake(interrupted, { modelId, amount })).rejects.toThrow('killed')
  expect(await balanceOf(dora, address)).toMatchObject({ gOpen: 0n })
  await stake(await as(8, { state }), { modelId, amount })
  expect(await balanceOf(dora, address)).toMatchObject({ gOpen: 0n })
  await unstake(dora, { modelId, amount })
})

test('what a contract would refuse is refused before it is allowed to take anything', async () => {
  const { as, world } = system()
  const eve = await as(9)
  const { address } = devAccount(9)
  const sent = () => world.client.getTransactionCount({ address })
  const before = await sent()
  await expect(stake(eve, { modelId: 99n, amount: 7n })).rejects.toThrow(/UnknownModel/)
  await expect(contribute(eve, { datanetId: 99n, samples: contents('parcel', 1) })).rejects.toThrow(
    'There is no datanet 99. Look at the list of datanets for its id.',
  )
  const wrong = { subjectId: 99n, statement: 'It is wrong.' }
  await expect(dispute(eve, { ...wrong, subject: 'Version', ground: 'harm' })).rejects.toThrow(/UnknownSubject/)
  await expect(dispute(eve, { ...wrong, subject: 'Version', ground: 'offTopic' })).rejects.toThrow(
    'Nothing of the kind Version is disputed on the ground offTopic. Name one of target, artifacts, evaluation, weights, harm.',
  )
  expect(await sent()).toBe(before)
})
