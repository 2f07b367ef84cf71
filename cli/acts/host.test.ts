import { expect, test } from 'vitest'
import { listEndpoints } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { evaluate, version } from '#contracts/test/mandate.ts'
import { OPERATOR } from '#contracts/test/world.ts'
import { keyOf, modelcommons } from '../test/program.ts'

const HOST = 7

test('a host opens an endpoint, changes its price and its version; rewards tell that there are none yet', async () => {
  const { url, world, folder, modelId, as } = await clientSystem()
  const [first, second] = [await promoted(), await promoted()]
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, OPERATOR_KEY: keyOf(HOST) }
  const operator = ['--account', 'operator']
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await modelcommons([...args, '--json'], env)
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout)
  }
  const terms = ['--url', 'https://a.example', '--price-in', '0.001', '--price-out', '0.002']
  const { plan } = await run('endpoint', 'open', first, ...terms, ...operator, '--dry-run')
  expect(plan).toMatchObject([
    {
      step: 'InferenceMarket.registerEndpoint',
      args: [first, 'https://a.example', '1000000000000000', '2000000000000000'],
    },
  ])
  const { endpoint } = await run('endpoint', 'open', first, ...terms, ...operator)
  await run('endpoint', 'price', endpoint, '--price-in', '0.5', '--price-out', '1', ...operator)
  await run('endpoint', 'point', endpoint, '--version-id', second, ...operator)
  expect(await run('endpoint', 'list')).toEqual(await listEndpoints(await as()))
  expect((await run('endpoint', 'list')).at(-1)).toMatchObject({
    ...{ id: endpoint, versionId: second, url: 'https://a.example' },
    ...{ priceIn: '500000000000000000', priceOut: '1000000000000000000' },
  })
  const why = await modelcommons(['rewards', 'why', OPERATOR.address], env)
  expect([why.code, why.stderr.trim()]).toEqual([1, 'No reward map is published yet.'])

  async function promoted(): Promise<string> {
    const id = await version(world, modelId, OPERATOR.address)
    await evaluate(world, id, OPERATOR.address)
    await world.send(OPERATOR, 'ModelRegistry', 'promote', [id])
    return id.toString()
  }
})
