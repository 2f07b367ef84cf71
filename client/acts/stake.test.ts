import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import {
  balanceOf,
  delegate,
  requestUnlock,
  stake,
  stakeAsValidator,
  unlock,
  unstake,
  unstakeAsValidator,
} from '../index.ts'
import { received, sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('stake on a model, and locked gOPEN after its delay, come back to the account, and no more than it gave', async () => {
  const { as, world, modelId } = system()
  const carol = await as(6)
  await stake(carol, { modelId, amount: 9n })
  expect(await received(world, 6, () => unstake(carol, { modelId, amount: 4n }))).toBe(4n)
  await expect(unstake(carol, { modelId, amount: 6n })).rejects.toThrow(
    /ModelRegistry.unstake is refused: .*Ask for no more than is staked\. \(InsufficientStake: staked 0.000000000000000005 gOPEN/,
  )

  const { address } = devAccount(6)
  await delegate(carol, { to: address, lock: parseEther('3') })
  const availableAt = await requestUnlock(carol, parseEther('2'))
  expect(await balanceOf(carol, address)).toMatchObject({ locked: parseEther('1'), votes: parseEther('1') })
  await expect(unlock(carol)).rejects.toThrow(
    `Try again at that time. (StillLocked: account ${address}, availableAt ${availableAt.toISOString()})`,
  )
  await world.warp(availableAt.getTime() / 1000 - (await world.now()))
  expect(await received(world, 6, () => unlock(carol))).toBe(parseEther('2'))
})

test('a stake to judge comes back, and no more than was staked', async () => {
  const { as, world } = system()
  const faye = await as(5)
  await stakeAsValidator(faye, parseEther('10'))
  expect(await received(world, 5, () => unstakeAsValidator(faye, parseEther('4')))).toBe(parseEther('4'))
  await expect(unstakeAsValidator(faye, parseEther('7'))).rejects.toThrow(/InsufficientStake: staked 6 gOPEN/)
})
