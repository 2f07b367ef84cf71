import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { waitForBlock } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { fundEpoch, publicationOf, treeOf } from '#contracts/test/publication.ts'
import { ALICE, OPERATOR, SETTINGS } from '#contracts/test/world.ts'
import { keyOf, modelcommons } from '../test/program.ts'

test('where there is nothing to claim, it is said with the time of the next map, and is no error', async () => {
  const { url, folder, world, as } = await clientSystem()
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(4) }
  const none = await modelcommons(['claim'], env)
  expect([none.code, none.stdout]).toEqual([0, 'There is nothing to claim. No newer reward map is published yet.\n'])

  const epoch = await fundEpoch(world, parseEther('0.3'))
  const { root } = treeOf(world, epoch, [[ALICE.address, parseEther('0.3')]])
  await world.send(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, epoch, root, parseEther('0.3')))
  const finalAt = new Date(((await world.now()) + SETTINGS.challengeWindow) * 1000)
  await waitForBlock(await as(), await world.client.getBlockNumber({ cacheTime: 0 }))
  const { code, stdout } = await modelcommons(['claim'], env)
  expect(code).toBe(0)
  expect(stdout).toBe(
    `There is nothing to claim. The reward map of epoch 1 is final at ${finalAt.toISOString()}, in 8 min, unless it is disputed.\n`,
  )
  const { stdout: json } = await modelcommons(['claim', '--json'], env)
  expect(JSON.parse(json)).toEqual({ wei: '0', next: { epoch: '1', finalAt: finalAt.toISOString() } })
})
