import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { openDatabase } from './database.ts'
import { grantReader, READER } from './reader.ts'

test('the reader sees public rows, no key, prompt, signature or job input, and writes nothing', async () => {
  const db = await freshDatabase()
  const password = `p@ss/w#rd's`
  await grantReader(db, 'old')
  await grantReader(db, password)
  const url = new URL(db.url)
  url.username = READER
  url.password = encodeURIComponent(password)
  const reader = await openDatabase(url.href)
  onTestFinished(() => reader.close())
  expect((await reader.query('select count(*) from model where to_block is null')).rows[0].count).toBe(0)
  expect((await reader.query('select kind, status from job_run')).rows).toEqual([])
  expect((await reader.query('select description, calldatas from proposal_content')).rows).toEqual([])
  for (const secret of ['* from api_key', 'raw from chain_transaction', 'prompt from receipt', 'input from job_run'])
    await expect(reader.query(`select ${secret}`)).rejects.toThrow('permission denied')
  await expect(reader.query(`insert into model (id) values ('1')`)).rejects.toThrow(/read-only|permission denied/)
  await reader.query('set default_transaction_read_only = off')
  await expect(reader.query(`delete from model`)).rejects.toThrow('permission denied')
})
