import { expect, test } from 'vitest'
import { JobRun, type JobStatus } from '#schema/offchain/jobs.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { goldItemId, showGold, shownGoldKey, takeGoldItems } from './goldItems.ts'

const IDS = Array.from({ length: 12 }, (_, n) => goldItemId(`question ${n}`))

async function pool() {
  const db = await freshDatabase()
  const job = (id: string, status: JobStatus = 'Running') =>
    insert(db, JobRun, { id, kind: 'compare', status, idempotencyKey: id })
  const end = (id: string, status: JobStatus) => db.query('update job_run set status = $2 where id = $1', [id, status])
  const show = (jobId: string, items: readonly string[], key = `key of ${jobId}`) =>
    showGold(db, { jobId, items, key, commitment: `commitment of ${key}` })
  return { db, job, end, show, take: (jobId: string, count = 4) => takeGoldItems(db, jobId, IDS, count) }
}

test('comparisons at the same time take different items, until none is left', async () => {
  const { job, take } = await pool()
  const jobs = ['a', 'b', 'c', 'd', 'e']
  for (const id of jobs) await job(id)
  const taken = await Promise.all(jobs.map((id) => take(id, 3)))
  expect(taken.flat().sort()).toEqual([...IDS].sort())
  expect(taken.map(({ length }) => length).sort()).toEqual([0, 3, 3, 3, 3])
})

test('prompts that differ in case and white space are one item', () => {
  expect(goldItemId(' Question\n1')).toBe(goldItemId('question 1'))
})

test('a later attempt takes the same items again, whatever became free in the meantime', async () => {
  const { job, end, take } = await pool()
  await job('a')
  await job('b')
  const first = await take('a')
  const second = await take('b')
  await end('a', 'Failed')
  expect(await take('b')).toEqual(second)
  expect(await take('b', 6)).toEqual([...first.slice(0, 2), ...second])
})

test.each<JobStatus>(['Failed', 'Cancelled', 'Succeeded'])(
  'what was shown is spent, although its comparison is %s',
  async (status) => {
    const { db, job, end, take, show } = await pool()
    await job('a')
    const [first = '', second = '', ...rest] = await take('a')
    expect(await show('a', [first, second])).toBe('key of a')
    await end('a', status)
    await db.query('delete from job_run')
    await job('b')
    expect(await take('b', 12)).toEqual([...rest, ...IDS.slice(4)])
  },
)

test('an attempt at the same time takes the secret that was stored first', async () => {
  const { db, job, take, show } = await pool()
  await job('a')
  const items = await take('a')
  const shown = await Promise.all([show('a', items, 'one'), show('a', items, 'other')])
  expect(new Set(shown).size).toBe(1)
  expect(await shownGoldKey(db, 'a')).toBe(shown[0])
  expect(await shownGoldKey(db, 'b')).toBeUndefined()
})

test('a comparison that has ended, and whose items another has taken, cannot show them', async () => {
  const { job, end, take, show } = await pool()
  await job('a')
  const items = await take('a')
  await end('a', 'Cancelled')
  await job('b')
  expect(await take('b')).toEqual(items)
  await expect(show('a', items)).rejects.toThrow('Another comparison has taken gold items of this job')
  expect(await show('b', items)).toBe('key of b')
})
