import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readSystemMetric, SYSTEM_METRICS } from '#cli/systemMetrics.ts'
import { EngineError } from '#engine/process/index.ts'
import { colourPairs, tinyModel } from '#engine/tasks/test/tinyModel.ts'
import { findJob } from '#schema/enqueue.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { backends, stopRedis } from '#schema/test/queues.ts'
import { insertAll } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { startEnginePool } from './enginePool.ts'
import { silent, testWorker } from './test/testWorker.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
beforeAll(async () => {
  model = await tinyModel()
})
afterAll(async () => {
  await model.remove()
  await stopRedis()
})

const consumer = (digit: string) => `0x${digit.repeat(40)}`
const answer = (of: string) => ({ endpointId: '1', prompt: 'hi', consumer: consumer(of) })

describe.each(backends)('lanes on %s', (backend) => {
  test('an answer starts at once while two trainings run and 400 attributions are queued', async () => {
    const system = await testWorker(backend)
    const busy = new AbortController()
    onTestFinished(() => busy.abort())
    const held = () =>
      new Promise<never>((_, reject) => busy.signal.addEventListener('abort', () => reject(new Error('over'))))
    let started = 0
    await system.startWorker(
      { fineTune: held, attribute: held, infer: async () => ({ result: { started: ++started } }) },
      { slots: { infer: 1, attribute: 1, training: 2, chain: 1, recourse: 0, relay: 0 } },
    )
    const trainings = [await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })]
    trainings.push(await system.enqueue('fineTune', { modelId: '1', datanetId: '1' }))
    await Promise.all(Array.from({ length: 400 }, (_, i) => system.enqueue('attribute', { receiptId: `${i}` })))
    for (const { id } of trainings)
      await vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe('Running'))
    const { id } = await system.enqueue('infer', answer('a'))
    await vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe('Succeeded'), { interval: 20 })
    const { rows } = await system.db.query(
      `select kind, count(*) as running from job_run where status = 'Running' group by kind order by kind`,
    )
    expect(rows).toEqual([
      { kind: 'attribute', running: 1 },
      { kind: 'fineTune', running: 2 },
    ])
  })

  test('a burst of one consumer does not keep another waiting, also after the queue lost its entries', async () => {
    for (const loses of [false, true]) {
      const system = await testWorker(backend)
      for (let i = 0; i < 400; i += 40)
        await Promise.all(Array.from({ length: 40 }, () => system.enqueue('infer', answer('a'))))
      const patient = await system.enqueue('infer', answer('b'))
      const order: string[] = []
      if (loses) await system.lose()
      await system.startWorker({ infer: async ({ id }) => ({ result: { place: order.push(id) } }) })
      await vi.waitFor(() => expect(order).toContain(patient.id), { timeout: 20_000 })
      // Ahead of it are only answers that were asked for at the same moment as the first of the burst.
      expect(order.indexOf(patient.id)).toBeLessThan(60)
    }
  })

  test('whoever pays is answered before all who ask for nothing, however many they are', async () => {
    const system = await testWorker(backend)
    await insertAll(system.db, Endpoint, [{ id: '1' }, { id: '2', priceIn: 1n, priceOut: 1n }])
    for (const of of ['1', '2', '3', '4']) await system.enqueue('infer', answer(of))
    for (let n = 0; n < 3; n++) await system.enqueue('infer', { ...answer('b'), endpointId: '2' })
    const order: unknown[] = []
    await system.startWorker({ infer: async ({ input }) => ({ result: { place: order.push(input.endpointId) } }) })
    await vi.waitFor(() => expect(order).toHaveLength(7), { timeout: 20_000 })
    expect(order.slice(0, 3)).toEqual(['2', '2', '2'])
  })

  test('within the training lane, evaluations come before trainings', async () => {
    const system = await testWorker(backend)
    const tune = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
    const evaluation = await system.enqueue('evaluate', { versionId: '1' })
    const order: string[] = []
    const note = async ({ id }: { id: string }) => ({ result: { place: order.push(id) } })
    await system.startWorker({ fineTune: note, evaluate: note })
    await vi.waitFor(() => expect(order).toEqual([evaluation.id, tune.id]), { timeout: 10_000 })
  })
})

test('a worker runs only the lanes that have slots', async () => {
  const system = await testWorker()
  const done = async () => ({ result: {} })
  await system.startWorker(
    { infer: done, fineTune: done },
    { slots: { infer: 1, attribute: 0, training: 0, chain: 0, recourse: 0, relay: 0 } },
  )
  const tune = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const { id } = await system.enqueue('infer', answer('a'))
  await vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe('Succeeded'))
  expect((await findJob(system.db, tune.id)).status).toBe('Queued')
  await system.startWorker(
    { fineTune: done },
    { slots: { infer: 0, attribute: 0, training: 1, chain: 0, recourse: 0, relay: 0 } },
  )
  await vi.waitFor(async () => expect((await findJob(system.db, tune.id)).status).toBe('Succeeded'))
})

test('the engine answers while it trains twice: each lane has processes of its own', async () => {
  const engines = startEnginePool({ device: 'cpu', log: silent, trainings: 2 })
  onTestFinished(() => engines.close())
  const stop = new AbortController()
  const train = (name: string) =>
    new Promise<{ over: Promise<unknown> }>((trains) => {
      const training = engines.lane('training').run(
        'fineTune',
        {
          baseFolder: model.baseFolder,
          samples: colourPairs(16),
          training: { epochs: 1_000_000, batchSize: 1, learningRate: 1e-6, seed: 1 },
          outFolder: join(model.folder, name),
        },
        {
          signal: stop.signal,
          onEvent: ({ type }) => type === 'metric' && trains({ over: training.catch((error: unknown) => error) }),
        },
      )
    })
  const trainings = await Promise.all([train('one'), train('two')])
  const over = vi.fn()
  for (const training of trainings) void training.over.then(over)
  const requests = [{ prompt: 'thing 1 is red', maxTokens: 2 }]
  const { answers } = await engines.lane('infer').run('generate', { baseFolder: model.baseFolder, requests })
  expect(answers).toHaveLength(1)
  expect(over).not.toHaveBeenCalled()
  stop.abort(new Error('enough'))
  await Promise.all(trainings.map((training) => training.over))
})

test.each([
  ['a schema with an unknown type', { schema: { type: 'colour' } }, /schema/],
  ['a schema that nothing satisfies', { schema: { $ref: '#' } }, /schema|satisf/i],
  ['an empty stop string', { stop: [''] }, /stop string is empty/],
  ['a prompt that is too long', { prompt: 'thing '.repeat(3000) }, /its prompt has \d+ tokens/],
])('%s is a fault of the input, also across the process of the engine', async (_, request, message) => {
  const engines = startEnginePool({ device: 'cpu', log: silent })
  onTestFinished(() => engines.close())
  const requests = [{ prompt: 'thing', maxTokens: 2, ...request }]
  const error = await engines
    .lane('infer')
    .run('generate', { baseFolder: model.baseFolder, requests })
    .then(
      () => undefined,
      (failure) => failure,
    )
  expect(error).toBeInstanceOf(EngineError)
  expect(error).toMatchObject({ fault: 'input', message: expect.stringMatching(message) })
})

test('queued jobs of a lane are counted while no live worker has a slot for it', async () => {
  const system = await testWorker()
  const metric = must(SYSTEM_METRICS.find(({ name }) => name === 'lane_unserved_jobs'))
  const unserved = () => readSystemMetric(system.db, metric)
  await system.startWorker({}, { slots: { infer: 0, attribute: 0, training: 0, chain: 1, recourse: 0, relay: 0 } })
  await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  expect(await unserved()).toEqual([{ labels: { lane: 'training' }, value: 1 }])

  await system.db.query('update worker_node set slots = null') // of a release before: it may run any lane
  expect(await unserved()).toEqual([])
  await system.db.query(`update worker_node set slots = '{"training": 1}'`)
  expect(await unserved()).toEqual([])
  await system.db.query(`update worker_node set stopped_at = now()`)
  expect(await unserved()).toEqual([{ labels: { lane: 'training' }, value: 1 }])
})
