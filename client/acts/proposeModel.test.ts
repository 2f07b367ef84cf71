import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { propose, TERMS } from '#contracts/test/mandate.ts'
import { hashOf, PROPOSER, SETTINGS } from '#contracts/test/world.ts'
import { listProposals, proposeModel, resolveBond } from '../index.ts'
import { received, sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('a model’s bond is locked for its vote, and settled once when the vote is over: a fifth is lost where nobody voted', async () => {
  const { as, world } = system()
  const proposer = await as(2)
  const mandate = { specHash: hashOf('a clerk'), terms: TERMS }
  await expect(proposeModel(await as(9), mandate)).rejects.toThrow(/Opening a vote takes 1 votes, and 0x\w+ has 0\./)
  const before = await world.balance(PROPOSER.address)
  const { modelId, proposalId } = await proposeModel(proposer, mandate)
  expect(before - (await world.balance(PROPOSER.address))).toBe(parseEther('10'))
  expect((await listProposals(proposer))[0]).toMatchObject({ id: proposalId.toString(), state: 'Pending' })
  await expect(resolveBond(await as(9), modelId)).rejects.toThrow(/ModelRegistry.resolveBond is refused: .*FateUnknown/)

  await world.warp(SETTINGS.votingDelay + SETTINGS.votingPeriod + 2)
  let returned = 0n
  const settle = async () => {
    returned = (await resolveBond(await as(9), modelId)).returned
  }
  expect(await received(world, 2, settle)).toBe(parseEther('8'))
  expect(returned).toBe(parseEther('8'))
  await expect(settle()).rejects.toThrow(/BondAlreadySettled/)
})

test('the vote about a model whose bond is locked already is opened without another bond', async () => {
  const { as, world } = system()
  const { modelId, proposalId } = await propose(world)
  const begun = { modelId, proposalId }
  const open = async () => proposeModel(await as(2), { specHash: hashOf('specification'), terms: TERMS, begun })
  expect(await received(world, 2, async () => expect(await open()).toEqual(begun))).toBe(0n)
  expect((await listProposals(await as())).map(({ id }) => id)).toContain(proposalId.toString())
})
