import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderObjects } from '#schema/artifacts/index.ts'
import { type AnswerEntry, answerJournal } from '#schema/journal/answers.ts'
import { seal } from '#schema/journal/seal.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { replayAnswers, replayMissingAnswers } from './replayAnswers.ts'
import { silent, temporaryFolder } from './test/testWorker.ts'

const HOUR = 3_600_000

async function journalled(...answers: AnswerEntry[]) {
  const db = await freshDatabase()
  const objects = folderObjects(join(await temporaryFolder(), 'artifacts'))
  const journal = answerJournal(objects, [randomBytes(32)])
  for (const answer of answers) await journal.append(answer)
  const statuses = async () =>
    (
      await db.query(
        `select job_run.id || ' ' || status || coalesce(' ' || (result->>'answer'), '') as of from job_run where kind = 'infer' order by 1`,
      )
    ).rows.map((row) => row.of)
  return { db, journal, statuses }
}

const ago = (ms: number) => new Date(Date.now() - ms)

const entryOf = (id: string, over: { attempt?: number; answer?: string; at?: Date } = {}): AnswerEntry => {
  const { attempt = 1, answer = 'a', at = ago(1000) } = over
  return {
    job: { id, attempt, input: { endpointId: '1', prompt: 'p' }, idempotencyKey: id, requestedBy: null, createdAt: at },
    result: { answer },
    receipt: {
      ...{
        endpointId: '1',
        versionId: '1',
        channelId: null,
        consumer: `0x${'1'.repeat(40)}`,
        isOpen: false,
        cumulative: 0n,
        prompt: 'p',
        answer,
        tokensIn: 1,
        tokensOut: 2,
      },
      ...{
        priceIn: 1n,
        priceOut: 1n,
        fee: 3n,
        hash: `0x${'2'.repeat(64)}`,
        salt: null,
        signature: '0x3',
        answeredAt: at,
      },
    },
    maximum: 9n,
    voucher: null,
  }
}

const infer = (id: string, over: Partial<JobRun>) => ({
  id,
  kind: 'infer',
  queue: 'infer',
  idempotencyKey: id,
  result: null,
  error: null,
  ...over,
})

test('of a job that two attempts answered, the last attempt’s answer comes back', async () => {
  const late = entryOf('j', { attempt: 1, answer: 'first, frozen', at: ago(100) })
  const { db, journal, statuses } = await journalled(
    entryOf('j', { attempt: 2, answer: 'second', at: ago(2000) }),
    late,
  )
  expect(await replayAnswers({ db, journal }, ago(HOUR))).toBe(1)
  expect(await statuses()).toEqual(['j Succeeded second'])
  expect(await replayAnswers({ db, journal }, ago(HOUR))).toBe(0)
  expect((await db.query(`select id from job_run where kind = 'attribute'`)).rows).toHaveLength(1)
})

test('embeddings come back without an attribution, as they were answered', async () => {
  const entry = entryOf('e', { answer: '{"embeddings":["AACAPw=="]}' })
  entry.receipt.prompt = '{"embed":["p"]}'
  const { db, journal, statuses } = await journalled(entry)
  expect(await replayAnswers({ db, journal }, ago(HOUR))).toBe(1)
  expect(await statuses()).toEqual(['e Succeeded {"embeddings":["AACAPw=="]}'])
  expect((await db.query(`select id from job_run where kind = 'attribute'`)).rows).toEqual([])
})

test('a job that was cancelled since its answer stays cancelled; every other is taken over', async () => {
  const { db, journal, statuses } = await journalled(
    ...['cancelled', 'running', 'retried', 'queued'].map((id) => entryOf(id)),
  )
  await insert(db, JobRun, infer('cancelled', { status: 'Cancelled', finishedAt: ago(0) }))
  await insert(db, JobRun, infer('running', { status: 'Running', heartbeatAt: ago(0), finishedAt: null }))
  await insert(db, JobRun, infer('retried', { status: 'Failed', finishedAt: ago(HOUR / 2) })) // and answered after the backup
  await insert(db, JobRun, infer('queued', { status: 'Queued', heartbeatAt: null, finishedAt: null }))
  expect(await replayAnswers({ db, journal }, ago(HOUR))).toBe(3)
  expect(await statuses()).toEqual([
    'cancelled Cancelled',
    'queued Succeeded a',
    'retried Succeeded a',
    'running Succeeded a',
  ])
})

test('an answer that the database lacks comes back although it has newer ones, but for those that live workers store now', async () => {
  const ids = ['lost', 'storing', 'left', 'new']
  const { db, journal, statuses } = await journalled(...ids.map((id, n) => entryOf(id, { at: ago(5000 - n) })))
  await insert(db, JobRun, infer('storing', { status: 'Running', heartbeatAt: ago(1000), finishedAt: null }))
  await insert(db, JobRun, infer('left', { status: 'Running', heartbeatAt: ago(40_000), finishedAt: null }))
  await insert(db, JobRun, infer('new', { status: 'Succeeded', result: { answer: 'a' } }))
  await insert(db, Receipt, { id: 'new', jobId: 'new', answeredAt: ago(4000) })
  const said: object[] = []
  await replayMissingAnswers({ db, journal }, { ...silent, warn: (told: object) => said.push(told) } as never)
  expect(await statuses()).toEqual(['left Succeeded a', 'lost Succeeded a', 'new Succeeded a', 'storing Running'])
  expect(said).toEqual([{ answers: 2 }])
})

test('a worker starts although the newest answers of the journal have the form of another release, and says so', async () => {
  const folder = await temporaryFolder()
  const key = randomBytes(32)
  const sealed = seal([key], JSON.stringify([{ job: { id: 'j' }, voucher: { cumulative: '1', deadline: '2' } }]))
  const at = new Date().toISOString()
  const objects = folderObjects(folder)
  await objects.put(`journal/${at.slice(0, 10)}/${at.slice(11, 13)}/00.000Z-0`, sealed)
  const said: string[] = []
  const log = { ...silent, error: (_: object, text: string) => said.push(text) } as never
  await replayMissingAnswers({ db: await freshDatabase(), journal: answerJournal(objects, [key]) }, log)
  expect(said).toEqual(['the journal of answers cannot be read: after a restore, its answers would not come back'])
})

test('a worker starts although the journal was sealed by a key that is lost, and says so', async () => {
  const { db, journal } = await journalled()
  const said: string[] = []
  const log = { ...silent, error: (_: object, text: string) => said.push(text) } as never
  await replayMissingAnswers({ db, journal }, log)
  expect(said).toEqual([])
  const folder = await temporaryFolder()
  await answerJournal(folderObjects(folder), [randomBytes(32)]).append(entryOf('j'))
  await replayMissingAnswers({ db, journal: answerJournal(folderObjects(folder), [randomBytes(32)]) }, log)
  expect(said).toEqual(['the journal of answers cannot be read: after a restore, its answers would not come back'])
})

test('what a channel has used is at least what its answers say, in whatever order they come back; the largest ceiling is kept', async () => {
  const channelId = `0x${'5'.repeat(64)}`
  const paid = (id: string, cumulative: bigint, ceiling: bigint, at: number): AnswerEntry => {
    const entry = entryOf(id, { at: ago(at) })
    return {
      ...entry,
      receipt: { ...entry.receipt, channelId, cumulative },
      voucher: { ceiling, signature: `0x${ceiling}`, signedAt: ago(at) },
    }
  }
  const { db, journal } = await journalled(paid('b', 6n, 20n, 10), paid('a', 3n, 10n, 20), paid('c', 9n, 15n, 5))
  expect(await replayAnswers({ db, journal }, ago(HOUR))).toBe(3)
  const { rows } = await db.query('select id, ceiling, signature, used from signed_voucher')
  expect(rows).toEqual([{ id: channelId, ceiling: 20n, signature: '0x20', used: 9n }])
  expect((await db.query('select id, cumulative from receipt order by id')).rows.map((one) => one.cumulative)).toEqual([
    3n,
    6n,
    9n,
  ])
})
