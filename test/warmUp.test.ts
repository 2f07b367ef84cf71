import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { OPERATOR, startWorld, type World } from '#contracts/test/world.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import { startEnginePool } from '#workers/enginePool.ts'
import { fetchAdapter, fetchBaseModel, loadVersion } from '#workers/modelLookup.ts'
import { silent } from '#workers/test/testWorker.ts'
import { createWarmUp, type WarmUpOutcome } from '#workers/warmUp.ts'
import { insert } from './factory.ts'
import { must } from './must.ts'
import { serveTinyModel } from './servingSystem.ts'
import { MISSING_ARTIFACT, testSystem } from './testSystem.ts'

/** With a real small model in a real engine process. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

async function servedSystem(idleMs?: number) {
  const { db, artifacts, folder, ...system } = await testSystem(world)
  await serveTinyModel({ db, artifacts, folder, ...system })
  const engines = startEnginePool({ device: 'cpu', log: silent, idleMs })
  onTestFinished(() => engines.close())
  const sources = { db, artifacts, cache: join(folder, 'cache') }
  const outcomes: WarmUpOutcome[] = []
  const hosts = [OPERATOR.address.toLowerCase()]
  const onOutcome = (outcome: WarmUpOutcome) => outcomes.push(outcome)
  const warmUp = createWarmUp({ ...sources, hosts, engines, log: silent, onOutcome })
  const answer = async (maxTokens: number) => {
    const facts = await loadVersion(sources, '1')
    const model = {
      baseFolder: await fetchBaseModel(sources, facts),
      adapterFolder: await fetchAdapter(sources, facts),
    }
    await engines.lane('infer').run('generate', { ...model, requests: [{ prompt: 'thing 1 is red', maxTokens }] })
  }
  const figures = () => must(engines.figures().find(({ lane }) => lane === 'infer'))
  return { db, warmUp, outcomes, answer, figures }
}

test('the model of an endpoint is in memory before its first call, once, and again only when another version serves', async () => {
  const { db, warmUp, outcomes, figures } = await servedSystem(1_000)
  await warmUp()
  await vi.waitFor(() => expect(figures()).toMatchObject({ models: 1, starts: 1, tokens: 0, promptTokens: 0 }))
  await vi.waitFor(() => expect(figures().models).toBe(0), { timeout: 10_000 }) // nobody called it
  await warmUp()
  expect(outcomes).toEqual(['loaded'])
  expect(figures()).toMatchObject({ models: 0, starts: 1 })

  const { rows } = await db.query<{ adapterHash: string; manifestHash: string }>(
    `select adapter_hash as "adapterHash", manifest_hash as "manifestHash" from model_version where id = '1'`,
  )
  const { adapterHash, manifestHash } = must(rows[0])
  const promoted = { modelId: '1', status: 'Promoted' as const, manifestHash }
  await insert(db, ModelVersion, { ...promoted, id: '2', adapterHash })
  for (const [version, starts] of [
    ['2', 2],
    ['1', 3],
  ] as const) {
    await db.query(`update endpoint set version_id = $1 where id = '1'`, [version])
    await warmUp()
    await vi.waitFor(() => expect(figures()).toMatchObject({ models: 1, starts }))
    await vi.waitFor(() => expect(figures().models).toBe(0), { timeout: 10_000 })
  }
  await insert(db, ModelVersion, { ...promoted, id: '3', adapterHash: MISSING_ARTIFACT })
  await db.query(`update endpoint set version_id = '3' where id = '1'`)
  for (let round = 0; round < 2; round++) await warmUp()
  expect(outcomes).toEqual(['loaded', 'loaded', 'loaded', 'failed'])
})

test('while an answer runs, no model is loaded; then it is', async () => {
  const { warmUp, outcomes, answer, figures } = await servedSystem()
  const running = answer(30)
  await vi.waitFor(() => expect(figures().tasks).toBe(1))
  await warmUp()
  expect(outcomes).toEqual([])
  await running
  await warmUp()
  expect(outcomes).toEqual(['loaded'])
})
