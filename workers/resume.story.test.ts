import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { tinyModel } from '#engine/tasks/test/tinyModel.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { rowOf } from '#schema/rows.ts'
import { S3_CREDENTIALS, startS3, type TestS3 } from '#schema/test/s3.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import { forkSource } from '#test/forkSource.ts'
import { must } from '#test/must.ts'
import { testWorker } from './test/testWorker.ts'
import type { TrainerChildOptions } from './test/trainerChild.ts'

const EPOCHS = 400
const STEPS = EPOCHS * 10

let s3: TestS3
let model: Awaited<ReturnType<typeof tinyModel>>
/** The names of the adapters of a training that nothing disturbed. */
let undisturbed: { adapter: string; halfway: string }

beforeAll(async () => {
  ;[s3, model] = await Promise.all([startS3(), tinyModel()])
})
afterAll(async () => {
  await model.remove()
  await s3.close()
})

async function hosts() {
  const system = await testWorker('postgres')
  const bucket = await s3.bucket()
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1', epochs: EPOCHS })
  const job = async () => must(await rowOf(system.db, JobRun, id), 'job')
  const steps = async () =>
    (await system.db.query<{ step: number }>(`select step from job_metric where name = 'loss' order by step`)).rows.map(
      ({ step }) => step,
    )
  return {
    job,
    steps,
    /** Starts the worker of a host. */
    async start(host: string, { databaseUrl = system.db.url, endpoint = s3.endpoint } = {}) {
      const options: TrainerChildOptions = {
        databaseUrl,
        prefix: system.prefix,
        s3: { endpoint, bucket, ...S3_CREDENTIALS },
        home: join(system.folder, host),
        baseFolder: model.baseFolder,
      }
      const child = forkSource('workers/test/trainerChild.ts', [JSON.stringify(options)])
      onTestFinished(() => void child.kill('SIGKILL'))
      await new Promise((ready, failed) => child.once('message', ready).once('exit', failed))
      return child
    },
    /** Waits until a checkpoint of the running attempt is in the store. */
    saved: () =>
      vi.waitFor(
        async () => {
          const { checkpoint, status } = await job()
          expect(status).toBe('Running')
          expect(checkpoint).toBeTruthy()
        },
        { timeout: 60_000, interval: 20 },
      ),
    succeeded: () =>
      vi.waitFor(async () => expect((await job()).status).toBe('Succeeded'), { timeout: 120_000, interval: 100 }),
    /** The job's result and curve are those of one training that nothing disturbed. */
    async expectUndisturbed() {
      const { result } = await job()
      expect(result).toMatchObject(undisturbed)
      expect(await steps()).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1))
      return must(result, 'result').firstStep as number
    },
    async keys() {
      const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'checkpoints/' }))
      return (Contents ?? []).map(({ Key }) => Key)
    },
    url: system.db.url,
  }
}

const exited = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve))
const message = (child: ChildProcess) => new Promise((resolve) => child.once('message', resolve))

describe('a training goes on from its checkpoint on another host', () => {
  test('a training that nothing disturbs', async () => {
    const { start, succeeded, job, steps, keys } = await hosts()
    await start('host 1')
    await succeeded()
    undisturbed = (await job()).result as typeof undisturbed
    expect(undisturbed).toMatchObject({ firstStep: 1 })
    delete (undisturbed as { firstStep?: number }).firstStep
    expect(await steps()).toHaveLength(STEPS)
    await vi.waitFor(async () => expect(await keys()).toEqual([]))
  })

  test('when it is killed', async () => {
    const { start, saved, succeeded, expectUndisturbed, keys } = await hosts()
    const first = await start('host 1')
    await saved()
    first.kill('SIGKILL')
    await exited(first)
    await start('host 2')
    await succeeded()
    expect(await expectUndisturbed()).toBeGreaterThan(1)
    await vi.waitFor(async () => expect(await keys()).toEqual([]))
  })

  test('when it is told to stop, from the very step', async () => {
    const { start, saved, succeeded, expectUndisturbed, steps, job } = await hosts()
    const first = await start('host 1')
    await saved()
    first.kill('SIGTERM')
    await exited(first)
    expect(await job()).toMatchObject({ status: 'Queued', attempt: 1 })
    const last = (await steps()).at(-1) ?? 0
    await start('host 2')
    await succeeded()
    expect(await expectUndisturbed()).toBe(last + 1)
  })

  test('when it is frozen; when it wakes up, it changes nothing and ends', async () => {
    const { start, saved, succeeded, expectUndisturbed, job } = await hosts()
    const first = await start('host 1')
    await saved()
    first.kill('SIGSTOP')
    const second = await start('host 2')
    await vi.waitFor(async () => expect((await job()).attempt).toBe(2), { timeout: 20_000 })
    const interrupted = message(first)
    first.kill('SIGCONT')
    expect(['partitioned', 'superseded']).toContain(await interrupted)
    await succeeded()
    expect(await expectUndisturbed()).toBeGreaterThan(1)
    expect(second.exitCode).toBeNull()
  })

  test('when it is cut off from the database; it ends itself', async () => {
    const { start, saved, succeeded, expectUndisturbed, url, job } = await hosts()
    const proxy = await FaultProxy.open(url)
    onTestFinished(() => proxy.close())
    const first = await start('host 1', { databaseUrl: proxy.url(url) })
    await saved()
    const interrupted = message(first)
    await proxy.set({ mode: 'blackHole' })
    expect(await interrupted).toBe('partitioned')
    await start('host 2')
    await vi.waitFor(async () => expect((await job()).attempt).toBe(2), { timeout: 20_000 })
    await proxy.set({ mode: 'pass' })
    await succeeded()
    expect(await expectUndisturbed()).toBeGreaterThan(1)
  })

  test('while the store does not answer, it goes on; the checkpoint is copied when it does', async () => {
    const { start, saved, succeeded, expectUndisturbed, job, steps } = await hosts()
    const proxy = await FaultProxy.open(s3.endpoint)
    onTestFinished(() => proxy.close())
    const first = await start('host 1', { endpoint: proxy.url(s3.endpoint) })
    await proxy.set({ mode: 'refuse' })
    await vi.waitFor(async () => expect((await steps()).length).toBeGreaterThan(200), { timeout: 60_000 }) // several saves later
    expect(await job()).toMatchObject({ status: 'Running', checkpoint: null })
    await proxy.set({ mode: 'pass' })
    await saved()
    first.kill('SIGKILL')
    await exited(first)
    await start('host 2')
    await succeeded()
    expect(await expectUndisturbed()).toBeGreaterThan(20)
  })
})
