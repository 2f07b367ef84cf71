import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { JobRun } from '#schema/offchain/jobs.ts'
import { rowOf } from '#schema/rows.ts'
import { must } from '#test/must.ts'
import { openCheckpointFolder, restoreCheckpoint } from './checkpointFolder.ts'
import { CheckpointUploads } from './checkpointUploads.ts'
import { claimJob, endJob, requeueJob, saveCheckpoint } from './jobState.ts'
import { sweepCheckpoints } from './sweepCheckpoints.ts'
import { silent, testWorker } from './test/testWorker.ts'

type System = Awaited<ReturnType<typeof testWorker>>

const keysOf = async ({ checkpointStore }: System, job?: string) => {
  const keys: string[] = []
  for await (const key of checkpointStore.list(job)) keys.push(key)
  return keys
}

/** A claimed job with the uploads of its checkpoints, on a host of its own. */
async function claimed(system: System, id: string, host: string) {
  const job = must(await claimJob(system.db, id, host), 'claim')
  const folder = join(system.folder, host, job.id)
  const uploads = new CheckpointUploads({
    store: system.checkpointStore,
    job,
    folder,
    log: silent,
    everyMs: 10,
    record: (checkpoint) => saveCheckpoint(system.db, job, checkpoint),
  })
  const restore = async () => {
    if (job.checkpoint)
      await restoreCheckpoint(system.checkpointStore, folder, job.checkpoint, {
        signal: new AbortController().signal,
        log: silent,
      })
  }
  return {
    job,
    folder,
    uploads,
    async open({ upload = true } = {}) {
      await restore()
      openCheckpointFolder(folder, job.attempt)
      if (upload) uploads.start()
    },
    async write(path: string, text: string) {
      await mkdir(join(folder, path, '..'), { recursive: true })
      await writeFile(join(folder, `${path}.partial`), text)
      await rename(join(folder, `${path}.partial`), join(folder, path))
    },
    read: (path: string) => readFile(join(folder, path), 'utf8').catch(() => undefined),
    /** Waits until the row names these contents. */
    recorded: (...contents: string[]) =>
      vi.waitFor(async () => {
        const { checkpoint } = must(await rowOf(system.db, JobRun, id), 'row')
        const found = await Promise.all(
          Object.values(checkpoint?.files ?? {}).map(async (key, index) => {
            const copy = join(system.folder, `probe ${index}`)
            await system.checkpointStore.getFile(key, copy)
            return readFile(copy, 'utf8')
          }),
        )
        expect(found.sort()).toEqual(contents.sort())
      }, WITHIN),
  }
}

/** An upload waits ten times as long as the last one took. */
const WITHIN = { timeout: 20_000 }
const never = () => AbortSignal.timeout(60_000)

test('the row names the newest checkpoint; superseded files go', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const one = await claimed(system, id, 'host 1')
  await one.open()
  await one.write('training', 'step 1')
  await one.recorded('step 1')
  await one.write('halfway/weights', 'half')
  await one.recorded('step 1', 'half')
  await one.write('training', 'step 2')
  await one.recorded('step 2', 'half')
  await vi.waitFor(async () => expect(await keysOf(system, id)).toHaveLength(2), WITHIN)
  await one.uploads.finish(never())
  await one.write('training', 'step 3')
  await one.uploads.finish(never())
  await one.recorded('step 3', 'half')
  await one.uploads.discard(never())
  expect(await keysOf(system)).toEqual([])
})

test('an attempt fetches what a later attempt elsewhere stored, and keeps what its own host has later', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const first = await claimed(system, id, 'host 1')
  await first.open()
  await first.write('training', 'step 10')
  await first.recorded('step 10')
  await first.uploads.stop()
  await first.write('training', 'step 12') // not in the store
  await requeueJob(system.db, first.job)
  const again = await claimed(system, id, 'host 1')
  await again.open({ upload: false })
  expect(await again.read('training')).toBe('step 12')
  await again.uploads.stop()
  await requeueJob(system.db, again.job)
  const elsewhere = await claimed(system, id, 'host 2')
  await elsewhere.open()
  expect(await elsewhere.read('training')).toBe('step 10')
  await elsewhere.write('training', 'step 90')
  await elsewhere.recorded('step 90')
  await elsewhere.uploads.stop()
  await requeueJob(system.db, elsewhere.job)
  const back = await claimed(system, id, 'host 1')
  await back.open()
  expect(await back.read('training')).toBe('step 90')
  await back.uploads.stop()
})

test('an attempt that lost its job names nothing and deletes nothing', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const first = await claimed(system, id, 'host 1')
  await first.open()
  await first.write('training', 'step 1')
  await first.recorded('step 1')
  await first.uploads.stop()
  await requeueJob(system.db, first.job)
  const second = await claimed(system, id, 'host 2')
  await first.write('training', 'step 2')
  await first.uploads.finish(never())
  await second.open()
  expect(await second.read('training')).toBe('step 1')
  await second.recorded('step 1')
  await second.uploads.stop()
})

test('a checkpoint that is lost or damaged is skipped', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const first = await claimed(system, id, 'host 1')
  await first.open()
  await first.write('training', 'step 1')
  await first.recorded('step 1')
  await first.uploads.stop()
  for (const key of await keysOf(system)) await system.checkpointStore.delete(key)
  await requeueJob(system.db, first.job)
  const second = await claimed(system, id, 'host 2')
  await second.open()
  expect(await second.read('training')).toBeUndefined()
  await second.uploads.stop()
})

test('the sweep deletes what ended jobs and earlier attempts left, and nothing of other deployments', async () => {
  const system = await testWorker()
  const { db, checkpointStore: store } = system
  const file = join(system.folder, 'file')
  await writeFile(file, 'checkpoint')
  const started = async (key: string) => {
    const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' }, key)
    return must(await claimJob(db, id, 'worker'), 'claim')
  }
  const [running, ended, second] = [await started('running'), await started('ended'), await started('second')]
  const used = await store.putFile(running.id, '1-a', file)
  const inProgress = await store.putFile(running.id, '1-b', file)
  await store.putFile(ended.id, '1-a', file)
  await endJob(db, ended, 'Cancelled')
  const named = await store.putFile(second.id, '1-a', file)
  await store.putFile(second.id, '1-b', file)
  await saveCheckpoint(db, second, { attempt: 1, files: { training: named } })
  await requeueJob(db, second)
  await claimJob(db, second.id, 'worker 2')
  const foreign = await store.putFile('job-of-another-database', '1-a', file)
  expect(await sweepCheckpoints({ db, store })).toBe(2)
  expect((await keysOf(system)).sort()).toEqual([used, inProgress, named, foreign].sort())
})
