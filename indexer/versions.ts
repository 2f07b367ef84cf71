import type { Sql } from '#schema/database.ts'
import type { ColumnDefinition, ColumnKind, TableDefinition } from '#schema/define.ts'
import { versionedTables } from '#schema/entities.ts'
import { copyInto, copyText } from './copy.ts'

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

export const noChanges = (): Changes => ({ dropped: [], closed: [], opened: [] })

const PIECE_CHARACTERS = 128 * 1024

/** The SQL types of the columns that rows are looked up by. */
const CARRIER: Partial<Record<ColumnKind, string>> = { wei: 'numeric', int: 'int4', block: 'int8', flag: 'bool' }

const quote = (name: string) => `"${name}"`
const values = (table: TableDefinition) =>
  table.columns.filter((column) => column.property !== 'fromBlock' && column.property !== 'toBlock')

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
  const matches = [`${name} = any($1::${CARRIER[column.kind] ?? 'text'}[])`, wanted.includes(null) && `${name} is null`]
  const { rows } = await sql.query(
    `select * from ${quote(table.table)} where to_block is null and (${matches.filter(Boolean).join(' or ')})`,
    [some],
  )
  return rows.map((row) => read(table, row))
}

type Field = (version: Version) => string

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** A value as a field of a COPY row. */
function field({ property, kind }: ColumnDefinition): Field {
  if (property === 'fromBlock') return (version) => String(version.fromBlock)
  if (property === 'toBlock') return (version) => (version.toBlock === null ? '\\N' : String(version.toBlock))
  const write: (value: never) => string =
    kind === 'json'
      ? (value: unknown) => copyText(JSON.stringify(value))
      : kind === 'texts'
        ? (value: string[]) => copyText(`{${value.map(quoted).join(',')}}`)
        : kind === 'time'
          ? (value: Date) => value.toISOString()
          : (value: unknown) => (typeof value === 'string' ? copyText(value) : String(value))
  return ({ row }) => {
    const value = row[property]
    return value === null || value === undefined ? '\\N' : write(value as never)
  }
}

/** Versions as lines of a COPY, in pieces. */
function* lines(table: TableDefinition, versions: readonly Version[]): Generator<string> {
  const fields = table.columns.map(field)
  const first = fields[0]!
  let piece = ''
  for (const version of versions) {
    piece += first(version)
    for (let index = 1; index < fields.length; index++) piece += `\t${fields[index]!(version)}`
    piece += '\n'
    if (piece.length >= PIECE_CHARACTERS) {
      yield piece
      piece = ''
    }
  }
  if (piece) yield piece
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
  const standing = opened.filter((version) => version.toBlock !== version.fromBlock)
  if (standing.length)
    await copyInto(
      sql,
      table.table,
      table.columns.map((column) => column.column),
      lines(table, standing),
    )
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
