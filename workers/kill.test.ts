import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { findJob } from '#schema/enqueue.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { rowOf } from '#schema/rows.ts'
import { backends, stopRedis } from '#schema/test/queues.ts'
import { forkSource } from '#test/forkSource.ts'
import { testWorker } from './test/testWorker.ts'

afterAll(stopRedis)

type System = Awaited<ReturnType<typeof testWorker>>

/** A worker in its own process, on the test's system. */
async function workerProcess(system: System, host = 'host 1'): Promise<ChildProcess> {
  const child = forkSource('workers/test/workerChild.ts', [
    ...[system.db.url, system.folder, system.redisUrl ?? ''],
    ...[system.prefix, host],
  ])
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise((ready, failed) => child.once('message', ready).once('exit', failed))
  return child
}

const gone = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve))

/** The keys of the files of the checkpoint that the job's row names. */
const named = async ({ db }: System, id: string) =>
  Object.values((await rowOf(db, JobRun, id))?.checkpoint?.files ?? {}).sort()

const storedCheckpoints = async ({ checkpointStore }: System) => {
  const keys: string[] = []
  for await (const key of checkpointStore.list()) keys.push(key)
  return keys.sort()
}

/** The steps in the order in which they ran, with the process that ran each. */
const trace = async (folder: string) =>
  (await readFile(join(folder, 'trace'), 'utf8').catch(() => ''))
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [pid = 0, attempt = 0, step = 0] = line.split(' ').map(Number)
      return { pid, attempt, step }
    })

describe.each(backends)('worker processes on %s', (backend) => {
  test.each(
    backend === 'postgres'
      ? ([
          ['SIGKILL', 'the same host'],
          ['SIGKILL', 'another host'],
          ['SIGTERM', 'the same host'],
          ['SIGTERM', 'another host'],
        ] as const)
      : ([['SIGKILL', 'the same host']] as const),
  )(
    '%s during a job: a worker on %s continues from the checkpoint, and every effect happens once',
    async (signal, host) => {
      const system = await testWorker(backend)
      await system.db.query('create table effect (job text, pid int)')
      const first = await workerProcess(system)
      const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1', epochs: 120 })
      await vi.waitFor(async () => expect((await trace(system.folder)).length).toBeGreaterThan(25), { timeout: 20_000 })
      await vi.waitFor(async () => expect(await named(system, id)).not.toEqual([]), { timeout: 20_000 })
      first.kill(signal)
      const code = await gone(first)
      if (signal === 'SIGTERM') {
        expect(code).toBe(0)
        expect(await findJob(system.db, id)).toMatchObject({ status: 'Queued', attempt: 1, attempts: 6 })
      }
      const second = await workerProcess(system, host === 'the same host' ? 'host 1' : 'host 2')
      await vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe('Succeeded'), { timeout: 30_000 })
      const steps = await trace(system.folder)
      const before = steps.filter(({ attempt }) => attempt === 1)
      const after = steps.filter(({ attempt }) => attempt === 2)
      expect(new Set(after.map(({ pid }) => pid))).toEqual(new Set([second.pid]))
      const resumedAt = after[0]?.step ?? -1
      expect(resumedAt).toBeGreaterThanOrEqual(host === 'the same host' ? 20 : 10)
      if (signal === 'SIGTERM') expect(resumedAt).toBe(before.length)
      else expect(resumedAt % 10).toBe(0)
      const { rows: effects } = await system.db.query('select job, pid from effect')
      expect(effects).toEqual([{ job: id, pid: second.pid }])
      const { rows } = await system.db.query(
        `select (select count(*) from version_influence) as made, (select count(*) from job_metric) as points,
         (select count(*) from job_run where parent_id is not null) as next`,
      )
      expect(rows[0]).toEqual({ made: 1, points: 120, next: 1 })
      await vi.waitFor(async () => expect(await storedCheckpoints(system)).toEqual([]))
    },
  )
})
