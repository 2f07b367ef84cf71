import { expect, test } from 'vitest'
import { openEndpoint } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { devAccount } from '#contracts/anvil.ts'
import { evaluate, version } from '#contracts/test/mandate.ts'
import { HOST, OPERATOR } from '#contracts/test/world.ts'
import { keyOf, modelcommons } from '../test/program.ts'

const [CONSUMER, SERVED, OTHER] = [4, 7, 9]

test('who opens, pays or calls an endpoint that the API does not answer is told so, and what to do; who takes another is not', async () => {
  const { url, world, folder, modelId, as } = await clientSystem()
  const versionId = await version(world, modelId, OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [versionId])
  const terms = { url: 'https://a.example', priceIn: 1n, priceOut: 1n }
  const served = await openEndpoint(await as(SERVED), { versionId, ...terms })
  const run = (nth: number, ...args: string[]) =>
    modelcommons(args, { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(nth) })
  const host = devAccount(OTHER).address
  const refusal = `The API at ${url} does not answer for the host ${host}: it refuses calls of its endpoints. It answers for ${HOST.address.toLowerCase()}.`

  const prices = ['--price-in', '0.001', '--price-out', '0.002']
  const opened = await run(OTHER, 'endpoint', 'open', `${versionId}`, '--url', url, ...prices, '--json')
  expect(opened.code, opened.stderr).toBe(0)
  expect(opened.stderr).toContain(`${refusal} Open it with the account of such a host`)
  const { endpoint } = JSON.parse(opened.stdout)
  const { stdout } = await run(CONSUMER, 'endpoint', 'list', '--json')
  expect(JSON.parse(stdout)).toMatchObject([
    { id: served.toString(), answeredHere: true },
    { id: endpoint, answeredHere: false },
  ])

  const paid = await run(CONSUMER, 'credit', 'deposit', endpoint, '1')
  expect(paid.stderr).toContain(`${refusal} The credit is good only at an API of that host`)
  expect((await run(CONSUMER, 'credit', 'deposit', served.toString(), '1')).stderr).not.toContain('does not answer')
  const called = await run(CONSUMER, 'call', endpoint, 'Where is it?', '--max-tokens', '4')
  expect(called.code).toBe(1)
  expect(called.stderr).toContain(
    `If that is this API, nobody answers for the endpoint: call one whose host is ${HOST.address.toLowerCase()}.`,
  )
})
