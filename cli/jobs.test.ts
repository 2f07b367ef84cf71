import { expect, onTestFinished, test, vi } from 'vitest'
import { enqueue, findJob } from '#schema/enqueue.ts'
import { freshDatabase } from '#test/database.ts'
import { cancel, listJobs, retry } from './jobs.ts'

const queues = { add: async () => {} }

/** What `work` prints. */
async function printed(work: () => Promise<void>): Promise<string> {
  const lines: string[] = []
  const spies = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')]
  for (const spy of spies) spy.mockImplementation((line: string) => void lines.push(line))
  await work().finally(() => spies.map((spy) => spy.mockRestore()))
  return lines.join('\n')
}

test('an operator lists, retries and cancels jobs', async () => {
  const db = await freshDatabase()
  vi.stubEnv('DATABASE_URL', db.url)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    process.exitCode = undefined
  })
  const make = async (epoch: number, status: string) => {
    const { id } = await enqueue({ db, queues }, 'settleEpoch', { epoch }, { key: `${epoch}`, requestedBy: null })
    await db.query(
      `update job_run set status = $2, error = '{"code": "ARTIFACT_STORE", "message": "It does not answer."}', retry_at = now() where id = $1`,
      [id, status],
    )
    return id
  }
  const [failed, waiting, done] = [await make(1, 'Failed'), await make(2, 'Waiting'), await make(3, 'Succeeded')]
  const list = await printed(() => listJobs({ status: ['failed', 'waiting'], limit: 10 }))
  expect(list).toContain(`${failed}`)
  expect(list).toMatch(/Waiting {2}0 starts {2}next \d{4}-.* {2}ARTIFACT_STORE: It does not answer\./)
  expect(list).not.toContain(done)
  await expect(listJobs({ status: ['lost'], limit: 10 })).rejects.toThrow(/--status: lost is not one of Queued/)
  await expect(listJobs({ kind: ['settle'], limit: 10 })).rejects.toThrow(/--kind: settle is not one of scoreDatanet, /)
  await expect(retry([], { kind: ['settle'], limit: 10 })).rejects.toThrow(/--kind: settle is not one of/)
  await expect(retry([], { limit: 10 })).rejects.toThrow('Name the jobs, or select them')

  expect(await printed(() => retry([], { code: 'ARTIFACT_STORE', limit: 10 }))).toBe(`${failed}  Queued`)
  expect(await printed(() => retry([waiting, done, 'none'], { limit: 10 }))).toMatch(
    new RegExp(`${waiting}  Queued\n${done}  JOB_SUCCEEDED: .*\nnone  JOB_NOT_FOUND: `),
  )
  expect(await printed(() => cancel(['none', waiting]))).toMatch(
    new RegExp(`^none  JOB_NOT_FOUND: .*\n${waiting}  Cancelled$`),
  )
  expect((await findJob(db, waiting)).status).toBe('Cancelled')
})
