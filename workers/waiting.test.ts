import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BaseError, HttpRequestError } from 'viem'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { EngineError } from '#engine/process/index.ts'
import { ArtifactError, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { cancelJob, findJob } from '#schema/enqueue.ts'
import { IndexBehindError } from '#schema/errors.ts'
import { InputError } from '#schema/inputs.ts'
import { backends, stopRedis } from '#schema/test/queues.ts'
import { ChainUnavailableError, RevertError } from './chainErrors.ts'
import { faultOf, type WaitCode } from './failures.ts'
import { JobError } from './job.ts'
import { testWorker } from './test/testWorker.ts'

afterAll(stopRedis)

type TestSystem = Awaited<ReturnType<typeof testWorker>>
const reach = (system: TestSystem, id: string, status: string) =>
  vi.waitFor(
    async () => {
      const job = await findJob(system.db, id)
      expect(job.status).toBe(status)
      return job
    },
    { timeout: 15_000, interval: 10 },
  )

const away = () => new ArtifactStoreError('unreachable', 'S3: https://key:secret@s3.local/bucket does not answer')
const system = (code: string) => Object.assign(new Error(`${code}: no, open '/var/lib/modelcommons/cache/x'`), { code })

describe('whose fault it is', () => {
  test.each<[Error, WaitCode]>([
    [away(), 'ARTIFACT_STORE'],
    [new ArtifactStoreError('full', 'full'), 'DISK'],
    [new ChainUnavailableError('unreachable', 'away'), 'CHAIN'],
    [new ChainUnavailableError('not-mined', 'later'), 'CHAIN'],
    [new ChainUnavailableError('no-funds', 'poor'), 'CHAIN_FUNDS'],
    [new BaseError('read', { cause: new HttpRequestError({ url: 'http://127.0.0.1' }) }), 'CHAIN'],
    [system('ENOSPC'), 'DISK'],
    [new Error('The checkpoint could not be written', { cause: system('EDQUOT') }), 'DISK'],
    [system('ENOMEM'), 'MEMORY'],
    [new EngineError('hostMemory', 'killed'), 'MEMORY'],
    [new EngineError('failed', 'The disk is full', { code: 'ENOSPC' }), 'DISK'],
    [Object.assign(new Error('the database system is shutting down'), { code: '57P03' }), 'DATABASE'],
    [Object.assign(new Error('could not extend file'), { code: '53100' }), 'DATABASE'],
    [new Error('Connection terminated unexpectedly'), 'DATABASE'],
    [system('ECONNREFUSED'), 'SERVICE'],
    [new IndexBehindError('Contribution 7 is not indexed yet.'), 'INDEX_BEHIND'],
    [new RevertError('spendBudget reverts.', { errorName: 'ExceedsDailyCap' }), 'PENDING'],
    [new RevertError('enforce reverts.', { errorName: 'GuardianPaused' }), 'PENDING'],
  ])('%s: the infrastructure’s', (error, code) => {
    const { fault, failure } = faultOf(error)
    expect(fault).toBe('infrastructure')
    expect(failure.code).toBe(code)
    expect(failure.message).not.toMatch(/secret|var\/lib/)
  })

  test('a full disk of the database is told as such, and not as a database that does not answer', () => {
    const full = Object.assign(new Error('could not extend file "base/1/2"'), { code: '53100' })
    expect(faultOf(full).failure.message).toMatch(/^The disk of the database is full: make room on it\. The job waits/)
  })

  test.each<[Error, string]>([
    [new JobError('NO', 'No.'), 'NO'],
    [new InputError('InferInput.prompt is required.'), 'BAD_INPUT'],
    [new EngineError('input', 'Request 0: the schema at # is not a schema.'), 'BAD_INPUT'],
    [new ArtifactError('corrupt', 'It is corrupt.'), 'ARTIFACT_CORRUPT'],
    [new ArtifactError('missing', 'It is missing.', { artifact: '0x1' }), 'ARTIFACT_MISSING'],
    [new RevertError('ModelRegistry.spendBudget reverts: OverBudget().'), 'REVERTED'],
  ])('%s: the input’s', (error, code) => {
    expect(faultOf(error)).toMatchObject({ fault: 'input', failure: { code } })
  })

  test.each([
    [new TypeError('x is not a function')],
    [new EngineError('crashed', 'The engine’s process was ended by SIGSEGV.')],
    [new EngineError('memory', 'more than its limit')],
    [new EngineError('hung', 'no heartbeat')],
    [new EngineError('failed', 'unexpected')],
    [Object.assign(new Error('null value violates not-null constraint'), { code: '23502' })],
  ])('%s: the job’s own', (error) => expect(faultOf(error)).toMatchObject({ fault: 'job' }))
})

describe.each(backends)('a job whose service is away, on %s', (backend) => {
  test('waits with the reason, uses no attempt, keeps its checkpoint, and ends when the service is back', async () => {
    const system = await testWorker(backend)
    let isAway = true
    await system.startWorker({
      async fineTune({ checkpointFolder, attempt }) {
        const checkpoint = join(checkpointFolder, 'training')
        if (attempt === 1) await writeFile(checkpoint, 'half')
        if (isAway) throw away()
        return { result: { resumed: existsSync(checkpoint) } }
      },
    })
    const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
    const waiting = await reach(system, id, 'Waiting')
    expect(waiting).toMatchObject({ error: { code: 'ARTIFACT_STORE' }, workerId: null, retryAt: expect.any(Date) })
    expect(waiting.error?.message).toMatch(/^The artifact store does not answer\. The job waits/)
    await vi.waitFor(async () => expect((await findJob(system.db, id)).waits).toBeGreaterThanOrEqual(3), 10_000)
    isAway = false
    const done = await reach(system, id, 'Succeeded')
    expect(done).toMatchObject({ result: { resumed: true }, retryAt: null, error: null })
    expect(done.attempts - done.attempt).toBe(4) // as after a first attempt
  })

  test('is tried again although the queue lost its entries', async () => {
    const system = await testWorker(backend)
    let isAway = true
    const worker = await system.startWorker({
      settleEpoch: () => (isAway ? Promise.reject(away()) : Promise.resolve({ result: {} })),
    })
    const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
    await reach(system, id, 'Waiting')
    await worker.stop()
    await system.lose()
    isAway = false
    await system.startWorker({ settleEpoch: async () => ({ result: {} }) })
    await reach(system, id, 'Succeeded')
  })
})

test('a waiting job is cancelled at once', async () => {
  const system = await testWorker()
  await system.startWorker(
    { settleEpoch: () => Promise.reject(away()) },
    { timing: { waitMs: 60_000, maxWaitMs: 60_000 } },
  )
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  await reach(system, id, 'Waiting')
  expect(await cancelJob(system, id)).toMatchObject({ status: 'Cancelled', retryAt: null })
})

test('the delays grow up to their limit, and a job that waited too often fails and names the fault', async () => {
  const system = await testWorker()
  const starts: number[] = []
  await system.startWorker(
    {
      async settleEpoch() {
        starts.push(performance.now())
        throw away()
      },
    },
    { timing: { waitMs: 40, maxWaitMs: 320, maxWaits: 5 } },
  )
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  const failed = await reach(system, id, 'Failed')
  expect(failed).toMatchObject({ waits: 5, attempt: 6, error: { code: 'ARTIFACT_STORE' } })
  expect(failed.error?.message).toContain('It waited 5 times.')
  const gaps = starts.slice(1).map((start, index) => start - (starts[index] ?? 0))
  for (const [index, gap] of gaps.entries())
    expect(gap).toBeGreaterThanOrEqual(0.75 * Math.min(320, 40 * 2 ** index) - 2)
})

test('an old job that a release before lanes queued is found by its kind', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  await system.lose()
  await system.db.query(`update job_run set queue = 'cpu' where id = $1`, [id])
  await system.startWorker({ settleEpoch: async () => ({ result: {} }) })
  await reach(system, id, 'Succeeded')
})

test('a job that is killed for memory at every start ends: the first kills use no attempt, the others do', async () => {
  const system = await testWorker()
  let runs = 0
  await system.startWorker(
    {
      async fineTune() {
        runs++
        throw new EngineError('hostMemory', 'killed')
      },
    },
    { timing: { waitMs: 5, maxWaitMs: 5, maxWaits: 1000 } },
  )
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  expect(await reach(system, id, 'Failed')).toMatchObject({ error: { code: 'MEMORY' } })
  expect(runs).toBe(10)
})

test('a job that kills its engine at every start ends after its attempts', async () => {
  const system = await testWorker()
  let runs = 0
  await system.startWorker({
    async infer() {
      runs++
      throw new EngineError('crashed', `The engine's process was ended by SIGSEGV. Its last output: /opt/x/y.node`)
    },
  })
  const consumer = `0x${'1'.repeat(40)}`
  const { id } = await system.enqueue('infer', { endpointId: '1', prompt: 'hi', consumer })
  const failed = await reach(system, id, 'Failed')
  expect(failed).toMatchObject({ attempt: 5, waits: 0, error: { code: 'INTERNAL' } })
  expect(failed.error?.message).not.toContain('/opt')
  expect(runs).toBe(5)
})

test('a job that reports nothing new is ended with STALLED and handed on, whatever heartbeats its worker writes', async () => {
  const system = await testWorker()
  let runs = 0
  await system.startWorker(
    {
      async fineTune({ signal, report }) {
        if (++runs > 1) return { result: {} }
        const again = setInterval(() => report(0.5, 'reading'), 10) // the same report: no progress
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        clearInterval(again)
        throw signal.reason
      },
    },
    { timing: { stallMs: 300 } },
  )
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  await vi.waitFor(
    async () =>
      expect((await findJob(system.db, id)).error).toMatchObject({
        code: 'STALLED',
        message: expect.stringContaining('no progress for 0.3 s in the stage "reading"'),
      }),
    { timeout: 5000, interval: 2 },
  )
  expect(await reach(system, id, 'Succeeded')).toMatchObject({ attempt: 2, attempts: 5 })
})

test('a job that reports progress is not stalled, however long it takes', async () => {
  const system = await testWorker()
  await system.startWorker(
    {
      async fineTune({ alive, metric, report }) {
        for (let step = 0; step < 30; step++) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          if (step < 10) report(step / 30, 'training')
          else if (step < 20) metric('loss', step, 1)
          else alive()
        }
        return { result: {} }
      },
    },
    { timing: { stallMs: 250 } },
  )
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  expect(await reach(system, id, 'Succeeded')).toMatchObject({ attempt: 1 })
})
