import { type ChildProcess, fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { findJob } from '#schema/enqueue.ts'
import { backends, stopRedis } from '#schema/test/queues.ts'
import { testWorker } from './test/testWorker.ts'

afterAll(stopRedis)

/** A worker in a process of its own, on the test's house. */
async function workerProcess(house: Awaited<ReturnType<typeof testWorker>>): Promise<ChildProcess> {
  const child = fork(
    join(import.meta.dirname, 'test/workerChild.ts'),
    [house.db.url, house.folder, house.redisUrl ?? '', house.prefix],
    { execArgv: ['--import', 'tsx'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise((ready, failed) => child.once('message', ready).once('exit', failed))
  return child
}

const gone = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve))

/** Which process ran which step, in order. */
const trace = async (folder: string) =>
  (await readFile(join(folder, 'trace'), 'utf8').catch(() => ''))
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [pid, attempt, step] = line.split(' ').map(Number)
      return { pid: pid!, attempt: attempt!, step: step! }
    })

describe.each(backends)('worker processes on %s', (backend) => {
  test.each(backend === 'postgres' ? (['SIGKILL', 'SIGTERM'] as const) : (['SIGKILL'] as const))(
    '%s in mid-job: another goes on from the checkpoint, and all happens once',
    async (signal) => {
      const house = await testWorker(backend)
      await house.db.query('create table effect (job text, pid int)')
      const first = await workerProcess(house)
      const { id } = await house.ask('fineTune', { modelId: '1', datanetId: '1', epochs: 60 })
      await vi.waitFor(async () => expect((await trace(house.folder)).length).toBeGreaterThan(25), { timeout: 20_000 })
      first.kill(signal)
      const code = await gone(first)
      if (signal === 'SIGTERM') {
        expect(code).toBe(0)
        expect(await findJob(house.db, id)).toMatchObject({ status: 'Queued', attempt: 1, attempts: 6 })
      }
      const second = await workerProcess(house)
      await vi.waitFor(async () => expect((await findJob(house.db, id)).status).toBe('Succeeded'), { timeout: 30_000 })
      const steps = await trace(house.folder)
      const [before, after] = [1, 2].map((attempt) => steps.filter((step) => step.attempt === attempt))
      expect(new Set(after!.map(({ pid }) => pid))).toEqual(new Set([second.pid]))
      const resumedAt = after![0]!.step
      expect(resumedAt).toBeGreaterThanOrEqual(20)
      if (signal === 'SIGTERM') expect(resumedAt).toBe(before!.length)
      else expect(resumedAt % 10).toBe(0)
      const { rows: effects } = await house.db.query('select job, pid from effect')
      expect(effects).toEqual([{ job: id, pid: second.pid }])
      const { rows } = await house.db.query(
        `select (select count(*) from version_influence) as made, (select count(*) from job_metric) as points,
         (select count(*) from job_run where parent_id is not null) as next`,
      )
      expect(rows[0]).toEqual({ made: 1, points: 60, next: 1 })
    },
  )
})
