import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ArtifactStoreError, folderObjects } from '#schema/artifacts/index.ts'
import type { ObjectStore } from '#schema/artifacts/objects.ts'
import { type AnswerEntry, answerJournal, JOURNAL_PREFIX } from '#schema/journal/answers.ts'
import { AnswerAttribution, Receipt, TextRetention } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { removeTexts } from '#schema/removeTexts.ts'
import { freshDatabase } from '#test/database.ts'
import { account, insert } from '#test/factory.ts'
import { clearJournal, createTextRemoval } from './removeOldTexts.ts'
import { replayAnswers } from './replayAnswers.ts'
import { silent, temporaryFolder } from './test/testWorker.ts'

const DAY_MS = 86_400_000
const SECRET = 'canary'
const ago = (days: number) => new Date(Date.now() - days * DAY_MS)
const KEYS = [randomBytes(32)] as const
const terms = { challengeWindow: 600, reopenTime: 600 }

const input = { endpointId: '1', consumer: account(7), prompt: SECRET, stop: [SECRET], maxTokens: 4 }
const result = {
  receiptId: 'x',
  answer: SECRET,
  tokens: [{ token: { text: SECRET } }],
  tokensIn: 1,
  tokensOut: 2,
  fee: '3',
}

async function keptTexts(days: number) {
  const db = await freshDatabase()
  const objects = folderObjects(join(await temporaryFolder(), 'artifacts'))
  const journal = answerJournal(objects, KEYS)
  const call = async (id: string, age: number, over: Partial<Receipt> = {}) => {
    const at = ago(age)
    await insert(db, JobRun, { id, kind: 'infer', status: 'Succeeded', input, result, createdAt: at, finishedAt: at })
    const receipt = {
      endpointId: '1',
      versionId: '1',
      consumer: account(7),
      prompt: SECRET,
      answer: SECRET,
      fee: 3n,
      answeredAt: at,
    }
    const all = { isOpen: false, channelId: null, salt: null, ...receipt, ...over }
    await insert(db, Receipt, { id, jobId: id, ...all })
    await insert(db, AnswerAttribution, {
      id: `${id}-3`,
      receiptId: id,
      spans: [{ text: SECRET, tokens: 1, count: 1 }],
    })
    const { epoch: _, ...signed } = { epoch: null, ...all }
    const entry: AnswerEntry = {
      job: { id, attempt: 1, input, idempotencyKey: id, requestedBy: account(7), createdAt: at },
      result,
      receipt: {
        ...{ tokensIn: 1, tokensOut: 2, priceIn: 1n, priceOut: 1n, cumulative: 3n, hash: '0x2', signature: '0x3' },
        ...signed,
      },
      maximum: 9n,
      voucher: null,
    }
    await journal.append(entry)
  }
  const kept = async () =>
    (
      await db.query(
        `select id from receipt where prompt <> '' and answer <> '' and texts_removed_at is null order by id`,
      )
    ).rows.map(({ id }) => id)
  /** The rows of a table that have the text anywhere. */
  const leaks = async (table: string, where: string) =>
    (await db.query(`select id from ${table} where ${where} and ${table}::text like '%${SECRET}%'`)).rows
  const journalled = async () => {
    const entries: AnswerEntry[] = []
    for await (const part of journal.between(ago(100), ago(-1))) entries.push(...part)
    return new Map(entries.map((entry) => [entry.job.id, entry]))
  }
  const objectCount = async () => {
    let count = 0
    for await (const _ of objects.list(JOURNAL_PREFIX)) count++
    return count
  }
  await insert(db, TextRetention, { id: '1', since: ago(100) })
  const remove = createTextRemoval({ db, journal, log: silent, terms, days })
  return { db, objects, journal, call, kept, leaks, journalled, objectCount, remove }
}

test('texts that are as old as the setting are removed everywhere; what was signed and charged stays', async () => {
  const { db, call, kept, leaks, journalled, objectCount, remove } = await keptTexts(30)
  await call('old', 31)
  await call('new', 29)
  const failed = { kind: 'infer', input, status: 'Failed' as const, createdAt: ago(40), finishedAt: ago(40) }
  await insert(db, JobRun, { id: 'failed', ...failed })
  await insert(db, JobRun, { id: 'waits', ...failed, status: 'Waiting', finishedAt: null })
  const signed = async () =>
    (
      await db.query(
        `select id, hash, salt, signature, tokens_in, tokens_out, fee, cumulative, answered_at from receipt order by id`,
      )
    ).rows
  const before = [await signed(), (await journalled()).get('old')?.receipt.fee]
  await remove()
  expect(await kept()).toEqual(['new'])
  expect(await leaks('receipt', `id = 'old'`)).toEqual([])
  expect(await leaks('job_run', `id in ('old', 'failed')`)).toEqual([])
  expect(await leaks('answer_attribution', `receipt_id = 'old'`)).toEqual([])
  expect(await leaks('job_run', `id in ('new', 'waits')`)).toHaveLength(2)
  const entries = await journalled()
  expect([await signed(), entries.get('old')?.receipt.fee]).toEqual(before)
  expect(JSON.stringify(entries.get('old'), (_, value) => String(value))).not.toContain(SECRET)
  expect(entries.get('old')).toMatchObject({ result: { tokensOut: 2, fee: '3' }, receipt: { prompt: '', answer: '' } })
  expect(entries.get('new')?.receipt).toMatchObject({ prompt: SECRET, answer: SECRET })
  expect(await objectCount()).toBe(2)
  expect((await db.query('select id from journalled_text')).rows).toEqual([])
})

test('0 days: texts stay', async () => {
  const { call, kept, remove } = await keptTexts(0)
  await call('old', 3000)
  await remove()
  expect(await kept()).toEqual(['old'])
})

test('what was there before texts were removed for the first time stays for as many days more', async () => {
  const { db, call, kept, remove } = await keptTexts(30)
  await db.query('delete from text_retention')
  await call('old', 3000)
  await remove()
  expect(await kept()).toEqual(['old'])
  expect((await db.query(`select id from text_retention where since > now() - interval '1 hour'`)).rows).toHaveLength(1)
})

test('a store that lets nobody delete keeps its journal as it is, and the removal is tried again', async () => {
  const { db, objects, call, objectCount } = await keptTexts(30)
  await call('old', 31)
  const refusing: ObjectStore = {
    ...objects,
    put: (...of) => objects.put(...of),
    read: (...of) => objects.read(...of),
    list: (...of) => objects.list(...of),
    delete: () => Promise.reject(new ArtifactStoreError('unreachable', 'AccessDenied')),
  }
  await db.transaction((sql) => removeTexts(sql, ['old'], terms))
  const { rows: before } = await db.query('select id from journalled_text')
  for (let n = 0; n < 3; n++)
    await expect(clearJournal({ db, journal: answerJournal(refusing, KEYS), log: silent })).rejects.toThrow()
  expect(await objectCount()).toBe(2) // the entry, and the probe
  expect((await db.query('select id from journalled_text')).rows).toEqual(before)
  expect(await clearJournal({ db, journal: answerJournal(objects, KEYS), log: silent })).toBe(1)
  expect(await objectCount()).toBe(1)
})

test('who reads the journal while texts are removed from it finds every answer', async () => {
  const { objects, call } = await keptTexts(30)
  for (let n = 0; n < 40; n++) await call(`c${n}`, 0.1 + n / 86_400)
  const ids = new Set<string>()
  const removing = answerJournal(objects, KEYS)
  const calls = Array.from({ length: 40 }, (_, n) => ({ id: `c${n}`, from: ago(0.2), until: ago(0) }))
  let isRemoved = false
  for await (const part of removing.between(ago(0.2), ago(0))) {
    for (const { job } of part) ids.add(job.id)
    if (!isRemoved) await removing.removeTexts(calls, ago(0), () => {})
    isRemoved = true
  }
  expect(ids.size).toBe(40)
})

test('what a part of the journal may have that nobody can read is tried again', async () => {
  const { db, objects, call, journalled } = await keptTexts(30)
  await call('old', 31)
  await db.transaction((sql) => removeTexts(sql, ['old'], terms))
  const told: unknown[] = []
  const log = { info() {}, error: (of: unknown) => void told.push(of) }
  expect(await clearJournal({ db, journal: answerJournal(objects, [randomBytes(32)]), log })).toBe(1)
  expect(told).toHaveLength(1)
  expect(await clearJournal({ db, journal: answerJournal(objects, KEYS), log })).toBe(0) // not at once
  await db.query(`update journalled_text set tried_at = now() - interval '2 hours'`)
  expect(await clearJournal({ db, journal: answerJournal(objects, KEYS), log })).toBe(1)
  expect((await journalled()).get('old')?.receipt.answer).toBe('')
})

test('an opened answer stays until the map of its epoch can be disputed no more', async () => {
  const open = { isOpen: true, epoch: 1 }
  const { db, journal, call, kept, remove } = await keptTexts(1)
  const removed = async () => {
    await createTextRemoval({ db, journal, log: silent, terms, days: 1 })() // a pass of its own
    return !(await kept()).includes('open')
  }
  await call('open', 31, open)
  await call('unpaid', 31, { isOpen: true, epoch: null })
  await call('free', 31, { isOpen: true, epoch: null, fee: 0n })
  await remove()
  expect(await kept()).toEqual(['open', 'unpaid'])
  await insert(db, RewardMap, { id: '1', epoch: 1, status: 'Published', publishedAt: new Date() })
  expect(await removed()).toBe(false) // within its challenge window
  await db.query('update reward_map set published_at = $1', [ago(1)])
  await insert(db, Dispute, { id: '5', subject: 'RewardMap', subjectId: '1', outcome: 'Open' })
  expect(await removed()).toBe(false)
  await db.query(`update dispute set outcome = 'Rejected', resolved_at = $1`, [ago(1)])
  await db.query(`update reward_map set status = 'Cancelled'`)
  expect(await removed()).toBe(false) // it is published again
  await db.query(`update reward_map set status = 'Published'`)
  expect(await removed()).toBe(true)
  expect(await kept()).toEqual(['unpaid'])
})

test('after a restore an answer whose texts were removed comes back without them, charged, and is answered to nobody again', async () => {
  const { db, journal, call, remove } = await keptTexts(30)
  await call('old', 31)
  await remove()
  await db.query('delete from receipt')
  await db.query('delete from job_run')
  expect(await replayAnswers({ db, journal }, ago(32))).toBe(1)
  const { rows } = await db.query(
    `select r.fee, r.cumulative, r.prompt, r.texts_removed_at is not null as removed, j.status, j.input->>'prompt' as given, h.fee as charged
     from receipt r join job_run j on j.id = r.id join credit_hold h on h.id = r.id`,
  )
  expect(rows).toEqual([
    { fee: 3n, cumulative: 3n, prompt: '', removed: true, status: 'Succeeded', given: null, charged: 3n },
  ])
  expect((await db.query(`select id from job_run where kind = 'attribute'`)).rows).toEqual([]) // nothing to trace
  expect(await replayAnswers({ db, journal }, ago(32))).toBe(0)
})
