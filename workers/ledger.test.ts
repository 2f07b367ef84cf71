import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'

const insert = (id: string, debit: string, credit: string, amount: string) => ({
  text: `insert into ledger_transfer (id, debit, credit, amount, event, reason, at) values ($1, $2, $3, $4, 'e', 'test', now())`,
  values: [id, debit, credit, amount],
})

test('the database refuses an empty transfer, an overdraft, an update and a deletion', async () => {
  const db = await freshDatabase()
  await db.query(insert('1', 'deposits', 'credit:0xa', '100'))
  await expect(db.query(insert('2', 'credit:0xa', 'credit:0xa', '1'))).rejects.toThrow(/between two accounts/)
  await expect(db.query(insert('3', 'credit:0xa', 'escrow:1', '0'))).rejects.toThrow(/positive amount/)
  await expect(db.query(insert('4', 'credit:0xa', 'escrow:1', '101'))).rejects.toThrow(/would overdraw credit:0xa/)
  await expect(db.query(`update ledger_transfer set amount = 5 where id = '1'`)).rejects.toThrow(/only added to/)
  await expect(db.query(`delete from ledger_transfer`)).rejects.toThrow(/only added to/)
  await db.query(insert('5', 'credit:0xa', 'escrow:1', '100'))
  expect((await db.query('select id from ledger_transfer order by id')).rows).toEqual([{ id: '1' }, { id: '5' }])
})
