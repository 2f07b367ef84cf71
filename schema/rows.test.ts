import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { AnswerAttribution } from './offchain/attribution.ts'
import { LedgerTransfer } from './offchain/ledger.ts'
import { type EntityRow, row, rowsOf, saveRows } from './rows.ts'

const attribution = (id: string, over: Partial<AnswerAttribution> = {}) =>
  row(AnswerAttribution, {
    ...{ id, receiptId: 'r', contributionId: 'c', influence: 0.1 + 0.2, similarity: 1e-300, share: 7 },
    spans: [{ text: 'quote " and \\ and ü\n', tokens: 3, count: 1 }],
    ...over,
  })

test('rows of several tables come back as they were given; of rows with one id the last counts, also over a stored one', async () => {
  const db = await freshDatabase()
  const at = new Date('2026-02-03T04:05:06.789Z')
  const transfer = (id: string, debit: string, credit: string) =>
    row(LedgerTransfer, { id, debit, credit, amount: 2n ** 200n + 1n, event: 'e', block: 1, reason: 'topUp', at })
  const transfers = [transfer('2', 'deposits', 'a'), transfer('1', 'a', 'b'), transfer('3', 'b', 'c')]
  await saveRows(db, [attribution('1'), ...transfers, attribution('2', { influence: Number.NaN }), attribution('1')])
  await saveRows(db, [attribution('1', { share: 8 }), attribution('1', { share: 9, influence: -Infinity })])
  expect(await rowsOf(db, AnswerAttribution, 'true', [], { orderBy: 'id' })).toEqual([
    attribution('1', { share: 9, influence: -Infinity })[1],
    attribution('2', { influence: Number.NaN })[1],
  ])
  expect(await rowsOf(db, LedgerTransfer)).toMatchObject(transfers.map(([, values]) => values))
})

test('a property that the class does not have is refused', async () => {
  const db = await freshDatabase()
  const wrong = [AnswerAttribution, { id: '1', colour: 'red' }] as EntityRow
  await expect(saveRows(db, [wrong])).rejects.toThrow('AnswerAttribution has no property colour.')
})
