import type { Sql } from '#schema/database.ts'
import type { ColumnDefinition, ColumnKind, TableDefinition } from '#schema/define.ts'
import { versionedTables } from '#schema/entities.ts'

/** Versions of rows in SQL: how they are loaded, closed, opened and rolled back, derived from the entities' columns. */

/** A row's values by property, without its block range. */
export type Row = Record<string, unknown>

/** One version of a row, valid in `[fromBlock, toBlock)`. */
export interface Version {
  row: Row
  fromBlock: number
  toBlock: number | null
}

/** What a batch does to one table. `dropped` and `closed` name versions that stand in the database by their `fromBlock`. */
export interface Changes {
  dropped: { id: string; fromBlock: number }[]
  closed: { id: string; fromBlock: number; toBlock: number }[]
  opened: Version[]
}

const ROWS_PER_STATEMENT = 10_000

/** The SQL array type that carries a column through `unnest`; arrays travel as JSON, since `unnest` would flatten them. */
const CARRIER: Record<ColumnKind, string> = {
  id: 'text',
  text: 'text',
  hash: 'text',
  address: 'text',
  choice: 'text',
  wei: 'numeric',
  int: 'int4',
  block: 'int8',
  float: 'float8',
  flag: 'bool',
  time: 'timestamptz',
  json: 'jsonb',
  texts: 'jsonb',
}

const quote = (name: string) => `"${name}"`
const values = (table: TableDefinition) =>
  table.columns.filter((column) => column.property !== 'fromBlock' && column.property !== 'toBlock')

function encode(kind: ColumnKind, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Date) return value.toISOString()
  if (kind === 'json' || kind === 'texts') return JSON.stringify(value)
  return value
}

function read(table: TableDefinition, found: Record<string, unknown>): Version {
  const row: Row = {}
  for (const column of values(table)) row[column.property] = found[column.column]
  return { row, fromBlock: found.from_block as number, toBlock: found.to_block as number | null }
}

/** The present versions of the rows whose `property` is one of `wanted` (null finds null). */
export async function loadPresent(sql: Sql, table: TableDefinition, property: string, wanted: (string | null)[]) {
  const column = table.columns.find((candidate) => candidate.property === property)
  if (!column) throw new Error(`${table.name} has no property ${property}`)
  const some = wanted.filter((value) => value !== null)
  const name = quote(column.column)
  const matches = [`${name} = any($1::${CARRIER[column.kind]}[])`, wanted.includes(null) && `${name} is null`]
  const { rows } = await sql.query(
    `select * from ${quote(table.table)} where to_block is null and (${matches.filter(Boolean).join(' or ')})`,
    [some],
  )
  return rows.map((row) => read(table, row))
}

const carried = (column: ColumnDefinition, index: number) =>
  column.kind === 'texts'
    ? `case when u.c${index} is null then null else array(select jsonb_array_elements_text(u.c${index})) end`
    : `u.c${index}`

async function insert(sql: Sql, table: TableDefinition, versions: Version[]) {
  const columns = table.columns
  const text = `insert into ${quote(table.table)} (${columns.map((column) => quote(column.column)).join(', ')})
    select ${columns.map(carried).join(', ')}
    from unnest(${columns.map((column, index) => `$${index + 1}::${CARRIER[column.kind]}[]`).join(', ')})
      as u(${columns.map((_, index) => `c${index}`).join(', ')})`
  for (let start = 0; start < versions.length; start += ROWS_PER_STATEMENT) {
    const some = versions.slice(start, start + ROWS_PER_STATEMENT)
    const value = (version: Version, { property, kind }: ColumnDefinition) => {
      if (property === 'fromBlock') return version.fromBlock
      if (property === 'toBlock') return version.toBlock
      return encode(kind, version.row[property])
    }
    await sql.query(
      text,
      columns.map((column) => some.map((version) => value(version, column))),
    )
  }
}

/** Writes what a batch did to one table: a handful of statements, whatever the number of rows. */
export async function writeChanges(sql: Sql, table: TableDefinition, changes: Changes) {
  const { dropped, closed, opened } = changes
  if (dropped.length)
    await sql.query(
      `delete from ${quote(table.table)} t using unnest($1::text[], $2::int8[]) as u(id, from_block)
       where t.id = u.id and t.from_block = u.from_block`,
      [dropped.map((version) => version.id), dropped.map((version) => version.fromBlock)],
    )
  if (closed.length)
    await sql.query(
      `update ${quote(table.table)} t set to_block = u.to_block
       from unnest($1::text[], $2::int8[], $3::int8[]) as u(id, from_block, to_block)
       where t.id = u.id and t.from_block = u.from_block`,
      [
        closed.map((version) => version.id),
        closed.map((version) => version.fromBlock),
        closed.map((version) => version.toBlock),
      ],
    )
  if (opened.length) await insert(sql, table, opened)
}

/** Brings every versioned table back to what it was at the end of block `toBlock`. Nothing else in the house undoes anything. */
export async function rollbackRows(sql: Sql, toBlock: number, tables: readonly TableDefinition[] = versionedTables) {
  if (!Number.isSafeInteger(toBlock)) throw new Error(`Cannot roll back to block ${toBlock}: it is no block number`)
  const statements = tables.map(
    ({ table }) =>
      `delete from ${quote(table)} where from_block > ${toBlock};
       update ${quote(table)} set to_block = null where to_block > ${toBlock};`,
  )
  await sql.query(statements.join('\n'))
}
