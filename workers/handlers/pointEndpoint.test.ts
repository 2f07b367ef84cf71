import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, mandate, version } from '#contracts/test/mandate.ts'
import { HOST, OPERATOR, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import { enqueue } from '#schema/enqueue.ts'
import { Endpoint, Redemption } from '#schema/onchain/market.ts'
import { rowsOf } from '#schema/rows.ts'
import { answeringSystem, FEE } from '#test/answeringSystem.ts'
import { freshDatabase } from '#test/database.ts'
import { insert, insertChain } from '#test/factory.ts'
import { type JobContext, PendingError } from '../job.ts'
import { openWorldClient } from '../test/worldClient.ts'
import { pointEndpointHandler } from './pointEndpoint.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

test('an endpoint serves another version of its model, once; only its host may change it', async () => {
  const modelId = await mandate(world)
  const promoted = async () => {
    const versionId = await version(world, modelId, OPERATOR.address)
    await evaluate(world, versionId, OPERATOR.address)
    await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
    return versionId
  }
  const first = await promoted()
  for (const host of [OPERATOR, HOST])
    await world.send(host, 'InferenceMarket', 'registerEndpoint', [first, 'https://one.example', 1n, 1n])
  const second = await promoted()

  const db = await freshDatabase()
  await insertChain(db, 1_000)
  for (const [index, host] of [OPERATOR, HOST].entries())
    await insert(db, Endpoint, { id: String(index + 1), versionId: String(first), host: host.address.toLowerCase() })
  const chain = await openWorldClient(world, OPERATOR, db)
  const point = (endpointId: string, hosts: string[] = []) =>
    pointEndpointHandler({ hosts })({
      ...{ id: `point ${endpointId}`, db, chain },
      input: { endpointId, versionId: String(second) },
    } as unknown as JobContext<'pointEndpoint'>)
  const served = async () => (await world.read('InferenceMarket', 'endpoints', [1n])).find((value) => value === second)

  expect(await point('1')).toEqual({
    result: { endpointId: '1', versionId: String(second), before: String(first) },
  })
  expect(await served()).toBe(second)
  const block = await world.client.getBlockNumber()
  await point('1') // a second attempt sends nothing
  expect(await world.client.getBlockNumber()).toBe(block)
  await expect(point('2')).rejects.toMatchObject({
    code: 'NOT_HOST',
    message: expect.stringMatching(/belongs to .* Only its host/),
  })
  await expect(point('2', [HOST.address.toLowerCase()])).rejects.toBeInstanceOf(PendingError)
  await expect(point('3')).rejects.toMatchObject({
    code: 'NOT_HOST',
    message: expect.stringMatching(/There is no endpoint 3/),
  })
})

test('what consumers owe for the answers of a version is redeemed before its endpoint serves another', async () => {
  const { serving, world, grant, manifestHash } = await answeringSystem()
  const db = await freshDatabase()
  await serving(db, async ({ answer, ended }) => {
    await grant(db)
    await answer('one')
    const hash = manifestHash as `0x${string}`
    await world.send(OPERATOR, 'ModelRegistry', 'registerVersion', [1n, 0n, 'lora', hash, hash, hash])
    await evaluate(world, 2n, OPERATOR.address)
    await world.send(STRANGER, 'ModelRegistry', 'promote', [2n])
    const queues = { add: async () => {} }
    const input = { endpointId: '1', versionId: '2' }
    const { id } = await enqueue({ db, queues }, 'pointEndpoint', input, { key: 'point', requestedBy: null })
    expect(await ended(id)).toEqual({ ...input, before: '1' })
    expect(await rowsOf(db, Redemption, 'true')).toMatchObject([{ versionId: '1', amount: FEE }])
  })
})
