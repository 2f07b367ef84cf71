import { join } from 'node:path'
import { type Hex, parseEther } from 'viem'
import { expect, test, vi } from 'vitest'
import { TERMS } from '#contracts/test/mandate.ts'
import { PROPOSER } from '#contracts/test/world.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { createDatanet, graphql } from '../index.ts'
import { sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('a datanet whose licence does not fit the mandate’s is refused before anything is sent', async () => {
  const { as, world, folder } = system()
  const specHash = await localStore(join(folder, 'artifacts')).put(
    documentBytes({
      ...{ name: 'Clerk', purpose: 'To test.', licence: 'MIT', baseLicence: 'Apache-2.0', integration: 'none' },
      ...{ baseModel: `0x${'b'.repeat(64)}`, rubric: `0x${'c'.repeat(64)}` },
      samples: { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 400 },
    }),
  )
  const terms = [specHash as Hex, `artifact:${specHash}`, TERMS, parseEther('10')] as const
  const { events } = await world.send(PROPOSER, 'ModelRegistry', 'propose', terms)
  const modelId =
    events.flatMap(({ name, args }) => (name === 'ModelProposed' ? [args.modelId as bigint] : []))[0] ?? 0n
  const owner = await as(2, { dryRun: true })
  await vi.waitFor(
    async () => expect((await owner.ask(graphql('{ models { totalCount } }'))).models.totalCount).toBe(Number(modelId)),
    10_000,
  )
  for (const [licence, why] of [
    [
      'CC-BY-SA-4.0',
      /is under MIT, .* The samples: What is made of works under CC-BY-SA-4.0 must stay under .* Nothing was sent\./,
    ],
    ['CC-BY-NC-4.0', /The samples: CC-BY-NC-4.0 allows no commercial use/],
    ['my terms', /Whether my terms allows a model under MIT is not known/],
  ] as const)
    for (const options of [{ dryRun: true }, {}])
      await expect(createDatanet(await as(2, options), { modelId, licence, minStake: 0n })).rejects.toThrow(why)
  expect(await owner.read('ModelRegistry', 'modelExists', [modelId])).toBe(true)
  const datanetId = await createDatanet(await as(2), { modelId, licence: 'CC-BY-4.0', minStake: 0n })
  expect(await owner.read('DatanetRegistry', 'datanetCount', [])).toBe(datanetId)
})
