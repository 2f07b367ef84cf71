import { expect, inject, test } from 'vitest'
import { schemaDrift } from '#schema/dataSource.ts'
import { snakeCase } from '#schema/define.ts'
import { tables, versionedTables } from '#schema/entities.ts'
import { freshDatabase, freshDatabaseUrl } from './database.ts'

test('the entity classes and the migrations agree', async () => {
  expect(await schemaDrift(await freshDatabaseUrl())).toEqual([])
})

test('a difference between a class and the migrations is found', async () => {
  const db = await freshDatabase()
  await db.query('alter table model drop column staked')
  expect(await schemaDrift(db.url)).toEqual([expect.stringContaining('"staked"')])
})

test('every relation points to an entity and uses an existing column', () => {
  for (const table of tables)
    for (const column of table.columns) {
      expect(column.column).toBe(snakeCase(column.property))
      if (column.ref) expect(tables.map((other) => other.entity)).toContain(column.ref.target())
    }
})

test('a row may have several versions, but not two from the same block, nor two current ones', async () => {
  const db = await freshDatabase()
  const insert = (from: number, to: number | null) =>
    db.query(
      `insert into holder (id, token, account, from_block, to_block, balance, votes) values ('0xa', '0xt', '0xa', $1, $2, 1, 0)`,
      [from, to],
    )
  await insert(1, 2)
  await insert(2, null)
  await expect(insert(2, 3)).rejects.toThrow(/duplicate key/)
  await expect(insert(3, null)).rejects.toThrow(/holder_present/)
  expect(versionedTables.length).toBeGreaterThan(20)
})

test('wei of up to 256 bits are stored and read exactly', async () => {
  const db = await freshDatabase()
  const most = 2n ** 256n - 1n
  await db.query(
    `insert into holder (id, token, account, from_block, balance, votes) values ('0xb', '0xt', '0xb', 1, $1, 0)`,
    [most.toString()],
  )
  const { rows } = await db.query(`select balance, from_block from holder where id = '0xb'`)
  expect(rows).toEqual([{ balance: most, from_block: 1 }])
  expect(inject('postgresUrl')).toContain('127.0.0.1')
})
