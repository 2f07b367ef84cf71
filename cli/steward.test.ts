import { expect, onTestFinished, test, vi } from 'vitest'
import { StewardStep, Stewardship } from '#schema/offchain/steward.ts'
import { Mandate } from '#schema/onchain/models.ts'
import { freshDatabase } from '#test/database.ts'
import { blockTime, insert, insertChain } from '#test/factory.ts'
import { pauseModel, resumeModel, showSteward } from './steward.ts'

/** What `work` prints. */
async function printedLines(work: () => Promise<void>): Promise<string[]> {
  const lines: string[] = []
  const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  await work().finally(() => spy.mockRestore())
  return lines
}

test('the program tells what the steward does and what comes next, and pauses and resumes a model', async () => {
  const db = await freshDatabase()
  vi.stubEnv('DATABASE_URL', db.url)
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(await printedLines(() => showSteward({}))).toEqual([
    'No model with a mandate was looked at. Is a worker running, and not with STEWARD=off?',
  ])

  await insert(db, Mandate, { id: '7', modelId: '7' })
  await insert(db, Stewardship, { id: '7', modelId: '7', state: 'Waiting', explanation: 'Next is train.', block: 9 })
  const step = { name: 'train', waitsFor: '3 more, or its time', reason: 'Data.' } as const
  await insert(db, StewardStep, { id: 'train/1', modelId: '7', ...step, dueAt: blockTime(5), cost: 6n })
  await insert(db, StewardStep, { id: 'publish', name: 'publish', waitsFor: 'fees', reason: 'No epoch has fees.' })
  await insert(db, StewardStep, {
    id: 'evaluate/1',
    modelId: '7',
    name: 'evaluate',
    reason: 'It was asked.',
    jobId: 'j',
  })
  const model = 'model 7  Waiting  Next is train.  (block 9)'
  expect(await printedLines(() => showSteward({}))).toEqual([model])
  expect(await printedLines(() => showSteward({ explain: true }))).toEqual([
    model,
    '  train     waits for 3 more, or its time  due 2026-01-01T00:01:00.000Z  costs 6 wei  Data.',
    'settlements',
    '  publish   waits for fees  No epoch has fees.',
  ])
  await insertChain(db, 0)
  await db.query('update cursor set updated_at = clock_timestamp()')
  expect((await printedLines(() => showSteward({ explain: true })))[1]).toMatch(
    /due 2026-01-01T00:01:00.000Z, in (5\d|60) s {2}costs/,
  )
  const [json = ''] = await printedLines(() => showSteward({ explain: true, json: true }))
  expect(JSON.parse(json)).toMatchObject({
    models: [{ id: '7', state: 'Waiting', next: [{ id: 'train/1', cost: '6' }] }],
    settlements: [{ id: 'publish' }],
    now: expect.stringMatching(/^2026-01-01T00:00/),
  })

  await printedLines(() => pauseModel('7', { reason: 'A vote.' }))
  expect(await printedLines(() => showSteward({}))).toEqual(['model 7  Paused  A vote.  (block 9)'])
  await printedLines(() => resumeModel('7'))
  expect((await printedLines(() => showSteward({})))[0]).toMatch(/^model 7 {2}Waiting {2}It was resumed/)
  const [paused = ''] = await printedLines(() => pauseModel('7', { reason: 'A vote.', json: true }))
  const [resumed = ''] = await printedLines(() => resumeModel('7', { json: true }))
  expect([JSON.parse(paused), JSON.parse(resumed)]).toEqual([
    { model: '7', state: 'Paused', reason: 'A vote.' },
    { model: '7', state: 'Waiting' },
  ])
  await expect(pauseModel('8', { reason: 'x' })).rejects.toThrow(/no model 8 with a mandate/)
})
