import { expect, test } from 'vitest'
import { clientSystem } from '#client/test/clientSystem.ts'
import { keyOf, modelcommons } from '../test/program.ts'

test('whoever ends a command that waits is told what is done, and how it goes on', async () => {
  const { url, folder, world } = await clientSystem()
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(4) }
  const wrap = ['wrap', '1', '--wait', 'final']
  const { code, stdout, stderr } = await modelcommons(wrap, env, ['waiting until it is final', 1, 'SIGINT'])
  expect([code, stdout]).toEqual([130, ''])
  expect(stderr.trim().split('\n').at(-1)).toBe(
    'Interrupted. Transactions so far: GOpen.deposit. Run the same command again: it goes on where it ended, and sends nothing twice.',
  )
  const before = await world.client.getBlockNumber({ cacheTime: 0 })
  await modelcommons(wrap, env, ['waiting until it is final', 1])
  expect(await world.client.getBlockNumber({ cacheTime: 0 })).toBe(before)
})
