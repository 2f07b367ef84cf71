import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ApiKey } from '#schema/offchain/access.ts'
import { StewardStep, Stewardship } from '#schema/offchain/steward.ts'
import { Mandate, Model } from '#schema/onchain/models.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import { type TestApi, testApi } from '../test/api.ts'

const PAUSE = `mutation ($id: ID!, $reason: String = "A new rubric is voted on.") {
  pauseSteward(modelId: $id, reason: $reason, idempotencyKey: "p") { state explanation paused pausedReason } }`
const RESUME = 'mutation ($id: ID!) { resumeSteward(modelId: $id, idempotencyKey: "r") { state paused resumedAt } }'

async function withModel(options: Parameters<typeof testApi>[0] = {}): Promise<TestApi> {
  const api = await testApi(options)
  await insertChain(api.db, 5)
  await insert(api.db, Model, { id: '1' })
  await insert(api.db, Mandate, { id: '1', modelId: '1' })
  return api
}

test('an operator pauses and resumes a model, before or after a steward has looked at it', async () => {
  const api = await withModel()
  const paused = {
    state: 'Paused',
    explanation: 'A new rubric is voted on.',
    paused: true,
    pausedReason: 'A new rubric is voted on.',
  }
  for (const _ of ['first', 'again']) expect((await api.ask(PAUSE, { id: '1' })).data.pauseSteward).toEqual(paused)
  expect((await api.ask(RESUME, { id: '1' })).data.resumeSteward).toEqual({
    state: 'Waiting',
    paused: false,
    resumedAt: expect.any(String),
  })
  expect((await api.ask(PAUSE, { id: '9' })).errors?.[0]).toMatchObject({
    extensions: { code: 'NO_MANDATE' },
    message: 'modelId: there is no model 9 with a mandate. Query `mandates` for the models that have one.',
  })
  expect((await api.ask(PAUSE, { id: '1', reason: ' ' })).errors?.[0]?.extensions.code).toBe('BAD_INPUT')
})

test('with keys, only an operator may pause or resume; everybody may read what comes next', async () => {
  const api = await withModel({ auth: 'keys' })
  await insert(api.db, ApiKey, {
    id: createHash('sha256').update('consumer-key').digest('hex'),
    role: 'Consumer',
    account: account(3),
  })
  const code = async (query: string, headers?: Record<string, string>) =>
    (await api.ask(query, { id: '1' }, headers)).errors?.[0]?.extensions.code
  for (const query of [PAUSE, RESUME]) {
    expect(await code(query)).toBe('UNAUTHENTICATED')
    expect(await code(query, { authorization: 'Bearer consumer-key' })).toBe('FORBIDDEN')
  }
  await insert(api.db, Stewardship, { id: '1', modelId: '1', state: 'Waiting', explanation: 'Next is train.' })
  await insert(api.db, StewardStep, {
    id: 'train/1/after none',
    modelId: '1',
    name: 'train',
    reason: 'Data.',
    waitsFor: '3 more',
    cost: 5n,
  })
  const next = `{ stewardship(id: "1") { state explanation model { stewardSteps { nodes { name reason waitsFor cost job { id } } } } } }`
  expect((await api.ask(next)).data.stewardship).toEqual({
    state: 'Waiting',
    explanation: 'Next is train.',
    model: {
      stewardSteps: { nodes: [{ name: 'train', reason: 'Data.', waitsFor: '3 more', cost: '5', job: null }] },
    },
  })
})
