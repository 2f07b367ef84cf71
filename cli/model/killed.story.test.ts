import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { getAddress } from 'viem'
import { expect, test } from 'vitest'
import { clientSystem } from '#client/test/clientSystem.ts'
import { devAccount } from '#contracts/anvil.ts'
import { newFolder } from '#model/test/newFolder.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { getDocument, itemsDocument, rubricDocument, specificationDocument } from '#schema/documents.ts'
import { fetchFolder } from '#schema/folders.ts'
import { keyOf, modelcommons } from '../test/program.ts'

/** The second account of the tests may propose. */
const PROPOSER = 2

test('killed again and again while it proposes a folder: run again, one model is proposed, with one bond; the status says what comes next', async () => {
  const { url, world, folder: home, as } = await clientSystem()
  const made = await newFolder()
  await made.edit('model.yaml', ['budget: 0', 'budget: 5\n  bond: 12.5'])
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: home, MODELCOMMONS_KEY: keyOf(PROPOSER) }
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await modelcommons(args, env)
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout)
  }
  const { address } = devAccount(PROPOSER)
  const balance = () => world.balance(address)
  await world.send(address, 'GOpen', 'approve', [world.at.ModelRegistry, 0n])
  const before = await balance()
  const sentBefore = await world.client.getTransactionCount({ address })

  const { plan } = await run('model', 'propose', made.path, '--dry-run', '--json')
  expect(plan.map(({ step }: { step: string }) => step)).toEqual(['GOpen.approve', 'ModelRegistry.propose'])
  expect(await run('model', 'status', made.path, '--json')).toMatchObject({ model: null })

  for (const killAt of [
    ['uploading model.safetensors', 1],
    ['uploading the rubric', 1],
    ['uploading the specification', 1],
    ['GOpen.approve', 1],
    ['ModelRegistry.propose', 1],
    ['ModelGovernor.propose', 1],
  ] as [string, number][])
    expect((await modelcommons(['model', 'propose', made.path], env, killAt)).code, killAt.join()).toBe(null)
  const proposed = await run('model', 'propose', made.path, '--json')
  expect(before - (await balance())).toBe(12_500_000_000_000_000_000n)
  expect((await world.client.getTransactionCount({ address })) - sentBefore).toBe(3)
  expect(await run('model', 'propose', made.path, '--json')).toEqual({ ...proposed, before: true })

  const { modelId, specification, rubric, base } = proposed
  const [model, targets] = await (await as()).read('ModelRegistry', 'getModel', [BigInt(modelId)])
  expect(model).toMatchObject({ proposer: getAddress(address), specHash: specification, rubricHash: rubric })
  expect(targets).toEqual([{ metric: 'accuracy', minimum: 500_000n, mayFall: false }])
  const store = localStore(join(home, 'artifacts'))
  const described = await getDocument(store, specificationDocument, specification)
  expect(described).toMatchObject({
    name: 'model',
    baseModel: base,
    rubric,
    licence: 'CC-BY-4.0',
    baseLicence: 'Apache-2.0',
  })
  const { test: items, validation } = await getDocument(store, rubricDocument, rubric)
  expect((await getDocument(store, itemsDocument, items)).items).toHaveLength(1)
  for (const sealed of [items, validation]) expect((await fetch(`${url}/artifacts/${sealed}`)).status).toBe(403)
  const fetched = await fetchFolder(store, base, join(home, 'fetched'))
  const weights = (path: string) => readFile(join(path, 'model.safetensors'))
  expect(
    (await weights(fetched)).equals(await weights(join(made.path, 'base')).catch(() => weights('example/base/model'))),
  ).toBe(true)

  const { next } = await run('model', 'status', made.path, '--json')
  expect(next).toMatch(/^The vote begins at /)
  await world.warp(200)
  const { stdout } = await modelcommons(['model', 'status', made.path], env)
  expect(stdout).toMatch(
    new RegExp(`model ${modelId}, specification ${specification}[^]*bond Locked[^]*next: modelcommons vote \\d+ for`),
  )
  await made.edit('model.yaml', ['budget: 5', 'budget: 6'])
  const { stdout: other } = await modelcommons(['model', 'status', made.path], env)
  expect(other).toMatch(/model \d+, specification/) // the terms are no part of the specification
  await made.edit('model.yaml', ['purpose: ', 'purpose: More than '])
  expect((await modelcommons(['model', 'status', made.path], env)).stdout).toContain(
    `not proposed\nmodel ${modelId} has the same name: if the folder changed since it was proposed, --model ${modelId}\n`,
  )
  await made.edit('model.yaml', ['name: model', 'name: renamed'])
  expect((await modelcommons(['model', 'status', made.path], env)).stdout).toMatch(/not proposed/)
  expect((await run('model', 'status', made.path, '--model', String(modelId), '--json')).model.id).toBe(String(modelId))
  await rm(join(made.path, 'CARD.md'))
  const { code, stderr } = await modelcommons(['model', 'propose', made.path], env)
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^CARD.md: is missing/)])
})
