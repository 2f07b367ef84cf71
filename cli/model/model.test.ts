import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { waitForBlock } from '#client/graphql/waitForBlock.ts'
import { openEndpoint } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { evaluate, RUBRIC, version } from '#contracts/test/mandate.ts'
import { hashOf, OPERATOR } from '#contracts/test/world.ts'
import { statusLines } from '#model/folderStatus.ts'
import { readStanding } from '#model/standing.ts'
import { newFolder } from '#model/test/newFolder.ts'
import { modelcommons } from '../test/program.ts'

test('the models are listed with the endpoint that this API answers; the status of one says why a newer version does not replace the live one, with both intervals', async () => {
  const { world, modelId, url, as } = await clientSystem()
  const evaluated = async (accuracyLower: bigint) => {
    const id = await version(world, modelId, OPERATOR.address)
    await evaluate(world, id, OPERATOR.address, accuracyLower)
    return id
  }
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [await evaluated(800_000n)])
  await evaluated(710_000n)
  const client = await as()
  await waitForBlock(client, await world.client.getBlockNumber({ cacheTime: 0 }))
  const model = await readStanding(client, modelId)
  const lines = statusLines({ specification: '0x', model, namesakes: [], next: '' })
  const listed = () =>
    modelcommons(['model', 'list', '--json'], { MODELCOMMONS_API: url }).then(({ stdout }) => JSON.parse(stdout))
  const live = { id: modelId.toString(), stage: 'live', liveVersion: '1' }
  expect(await listed()).toMatchObject([{ ...live, endpoint: null, priceIn: null }])
  const open = async (nth: number) =>
    openEndpoint(await as(nth), { versionId: 1n, url: 'https://a.example', priceIn: BigInt(nth), priceOut: 20n })
  await open(9) // whom the API does not serve
  const endpoint = (await open(7)).toString()
  expect(await listed()).toMatchObject([{ ...live, endpoint, priceIn: '7', priceOut: '20' }])
  expect(lines.filter((line) => /promoted/i.test(line))).toEqual([
    expect.stringMatching(
      /^ {2}not promoted: accuracy 0.71 \(0.71 to 0.710001, 200 items\) .* the live version is significantly better, with 0.8 \(0.8 to 0.800001, 200 items\)/,
    ),
    'version 1 (lora): Promoted, live',
  ])
})

test('the status of a model says with the interval that the answers of an aligned version lose to those of the version before', async () => {
  const { world, modelId, as } = await clientSystem()
  const first = await version(world, modelId, OPERATOR.address)
  await evaluate(world, first, OPERATOR.address)
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [first])
  const aligned = async (upper: bigint) => {
    const id = await version(world, modelId, OPERATOR.address, first)
    const metrics = [
      { metric: 'accuracy', score: 710_000n, lower: 710_000n, upper: 710_001n, n: 200n },
      { metric: 'margin', score: 0n, lower: 0n, upper: 1n, n: 200n },
      { metric: 'winRate', score: 420_000n, lower: 380_000n, upper, n: 160n },
    ]
    await world.send(OPERATOR, 'EvaluationRegistry', 'log', [id, RUBRIC, metrics, hashOf('log')])
    return id
  }
  await aligned(500_000n)
  const lost = await aligned(460_000n)
  const client = await as()
  const verdicts = async () => {
    await waitForBlock(client, await world.client.getBlockNumber({ cacheTime: 0 }))
    const lines = statusLines({
      specification: '0x',
      model: await readStanding(client, modelId),
      namesakes: [],
      next: '',
    })
    return lines.filter((line) => /promote|follow|live/i.test(line))
  }
  const loses = 'Its answers lose to those of the version before: winRate 0.42 (0.38 to 0.46, 160 items).'
  expect(await verdicts()).toEqual([
    `  not promoted: ${loses}`,
    '  meets its targets: anybody may promote it',
    'version 1 (lora): Promoted, live',
  ])
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [lost])
  expect(await verdicts()).toEqual([
    'version 3 (lora): Promoted, live',
    `  the steward lets no endpoint follow it: ${loses}`,
    '  meets its targets: anybody may promote it',
    'version 1 (lora): Promoted',
  ])
})

test('model check ends with 1 and lists every mistake; model init divides samples and says what to do next', async () => {
  const made = await newFolder('extract')
  const home = { MODELCOMMONS_HOME: made.path }
  expect(await modelcommons(['model', 'check', made.path], home)).toMatchObject({ code: 0, stderr: '' })
  await made.edit('model.yaml', ['owner: 1500', 'owner: 1501'], ['name:', 'names:'])
  await rm(join(made.path, 'validation/salt'))
  const { code, stderr } = await modelcommons(['model', 'check', made.path], home)
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([
    'model.yaml:2:1: name is missing: The name of the model.',
    'model.yaml:3:1: names is no key of this format. Did you mean name?',
    'model.yaml:25:3: mandate.split: owner, stakers, data, validators and host sum to 10001, not 10000. Take 1 away.',
    'validation/salt: is missing. `modelcommons model init` shows what a folder has.',
    '4 mistakes.',
  ])
  await made.edit('model.yaml', ['owner: 1501', 'owner: 1500'], ['names:', 'name:'], ['samples: 4\n', 'samples: 5\n'])
  await made.write('validation/salt', `0x${'0123456789abcdef'.repeat(4)}\n`)
  expect(await modelcommons(['model', 'check', made.path], home)).toMatchObject({
    ...{ code: 0, stdout: expect.stringContaining('has no mistake') },
    stderr: expect.stringMatching(/^model.yaml:\d+:5: warning: policy.train.samples is 5/),
  })
  const again = await modelcommons(['model', 'init', made.path], home)
  expect([again.code, again.stderr]).toEqual([
    1,
    expect.stringMatching(/is not empty. Name a folder that does not exist yet/),
  ])
})
