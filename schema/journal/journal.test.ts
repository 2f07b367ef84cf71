import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { must } from '#test/must.ts'
import { folderObjects } from '../artifacts/index.ts'
import { type AnswerEntry, answerJournal, prefixesOf } from './answers.ts'
import { newSealKey, seal, unseal } from './seal.ts'

test('what is sealed opens with any key that is kept, and with no other', () => {
  const [old, now, other] = [newSealKey(), newSealKey(), newSealKey()]
  const sealed = seal([old], 'the answer')
  expect(unseal([now, old], sealed).trim()).toBe('the answer')
  expect(() => unseal([other], sealed)).toThrow(/^JOURNAL_KEY: none of its keys has sealed this/)
  expect(sealed.includes(Buffer.from('answer'))).toBe(false)
})

test('a changed byte anywhere is noticed', () => {
  const key = newSealKey()
  const sealed = seal([key], 'the answer')
  for (const place of [0, 3, 12, 25, 40, sealed.length - 1]) {
    const changed = Buffer.from(sealed)
    changed[place] = must(changed[place]) ^ 1
    expect(() => unseal([key], changed)).toThrow(/JOURNAL_KEY: none of its keys|is damaged/)
  }
})

test('the length of what is sealed tells only a power of two', () => {
  const key = newSealKey()
  const sizes = [1, 500, 1024, 1025, 2048, 3000].map((length) => seal([key], 'x'.repeat(length)).length - 37)
  expect(sizes).toEqual([1024, 1024, 1024, 2048, 2048, 4096])
})

const answerAt = (id: string, at: string): AnswerEntry => ({
  job: { id, attempt: 1, input: { prompt: 'p' }, idempotencyKey: id, requestedBy: null, createdAt: new Date(at) },
  result: { answer: 'a' },
  receipt: {
    ...{ endpointId: '1', versionId: '1', channelId: '0x5', consumer: '0x1', prompt: 'p', answer: 'a', isOpen: true },
    ...{ tokensIn: 1, tokensOut: 2, cumulative: 10n ** 21n },
    ...{
      priceIn: 10n ** 20n,
      priceOut: 1n,
      fee: 3n,
      hash: '0x2',
      salt: '0x6',
      signature: '0x3',
      answeredAt: new Date(at),
    },
  },
  maximum: 9n,
  voucher: { ceiling: 8n, signature: '0x4', signedAt: new Date(at) },
})

async function journalIn(keys = [newSealKey()] as const) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-journal-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const journal = answerJournal(folderObjects(folder), keys)
  const read = async (from: string, until: string) => {
    const found: AnswerEntry[] = []
    for await (const part of journal.between(new Date(from), new Date(until))) found.push(...part)
    return found
  }
  return { folder, journal, read }
}

test('answers come back as they were, those of other hours are not read', async () => {
  const { journal, read } = await journalIn()
  const times = [
    '2026-01-01T10:59:59.000Z',
    '2026-01-01T11:00:00.000Z',
    '2026-01-02T00:30:00.000Z',
    '2026-01-03T09:00:00.000Z',
  ]
  const all = times.map((at, index) => answerAt(String(index), at))
  for (const answer of all) await journal.append(answer)
  expect(await read('2026-01-01T10:00:00.000Z', '2026-01-03T09:30:00.000Z')).toEqual(all)
  expect(await read('2026-01-01T11:30:00.000Z', '2026-01-02T23:00:00.000Z')).toEqual(all.slice(1, 3))
})

test('answers that end while another is stored share one object', async () => {
  const { folder, journal, read } = await journalIn()
  const all = Array.from({ length: 20 }, (_, index) => answerAt(String(index), '2026-01-01T10:00:00.000Z'))
  await Promise.all(all.map(journal.append))
  expect(await readdir(join(folder, 'journal/2026-01-01/10'))).toHaveLength(2)
  expect((await read('2026-01-01', '2026-01-02')).map(({ job }) => job.id).sort()).toEqual(
    all.map(({ job }) => job.id).sort(),
  )
})

test('a range is whole days between two days of hours', () => {
  expect(prefixesOf(new Date('2026-01-01T22:10:00Z'), new Date('2026-01-03T01:00:00Z'))).toEqual([
    'journal/2026-01-01/22/',
    'journal/2026-01-01/23/',
    'journal/2026-01-02/',
    'journal/2026-01-03/00/',
    'journal/2026-01-03/01/',
  ])
})
