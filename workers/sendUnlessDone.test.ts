import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, mandate, version } from '#contracts/test/mandate.ts'
import { OPERATOR, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import { freshDatabase } from '#test/database.ts'
import { sendUnlessDone } from './sendUnlessDone.ts'
import { openWorldClient } from './test/worldClient.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

test('what a stranger has sent first is done; what nobody could send is told', async () => {
  const id = await version(world, await mandate(world), OPERATOR.address)
  const chain = await openWorldClient(world, OPERATOR, await freshDatabase())
  const promote = () =>
    sendUnlessDone(
      () => chain.transact('promote', { contract: 'ModelRegistry', functionName: 'promote', args: [id] }),
      async () => (await chain.read('ModelRegistry', 'getVersion', [id])).promoted,
    )
  await expect(promote()).rejects.toThrow(/reverts/) // it is not evaluated
  await evaluate(world, id, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [id])
  await promote()
})
