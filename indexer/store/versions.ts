import type { Sql } from '#schema/database.ts'
import type { ColumnKind, TableDefinition } from '#schema/define.ts'
import { versionedTables } from '#schema/entities.ts'
import { rowText, textColumns } from '#schema/rowText.ts'
import { copyInto } from './copy.ts'

/** Versions of rows in SQL: loaded, closed, opened and rolled back by statements derived from the entities' columns. */

/** A row's values by property, without its block range. */
export type RowValues = Record<string, unknown>

/** One version of a row, valid in `[fromBlock, toBlock)`: its values, or, where no handler reads them again, only their text. */
export interface RowVersion {
  id: string
  row: RowValues | undefined
  text: string | undefined
  fromBlock: number
  toBlock: number | null
}

/** The values of a version as text, serialised once. */
export const textOf = (table: TableDefinition, version: RowVersion): string => {
  if (version.text === undefined) {
    if (!version.row) throw new Error(`${table.name} ${version.id} has neither values nor text`)
    version.text = rowText(table, version.row)
  }
  return version.text
}

/** The changes of a batch to one table. `dropped` and `closed` identify versions in the database by their `fromBlock`. */
export interface Changes {
  dropped: { id: string; fromBlock: number }[]
  closed: { id: string; fromBlock: number; toBlock: number }[]
  opened: RowVersion[]
}

export const noChanges = (): Changes => ({ dropped: [], closed: [], opened: [] })

/** By block, how many versions begin there less how many end. */
export function rowCounts({ closed, opened }: Changes): Map<number, number> {
  const counts = new Map<number, number>()
  const add = (block: number, count: number) => counts.set(block, (counts.get(block) ?? 0) + count)
  for (const { toBlock } of closed) add(toBlock, -1)
  for (const { fromBlock, toBlock } of opened) {
    add(fromBlock, 1)
    if (toBlock !== null) add(toBlock, -1)
  }
  return counts
}

/** The SQL types of columns by which rows are looked up, where they are not text. */
const SQL_TYPE: Partial<Record<ColumnKind, string>> = { wei: 'numeric', int: 'int4', block: 'int8', flag: 'bool' }

const quote = (name: string) => `"${name}"`

function read(table: TableDefinition, found: Record<string, unknown>): RowVersion {
  const row: RowValues = {}
  for (const { property, column } of textColumns(table)) row[property] = found[column]
  return {
    id: row.id as string,
    row,
    text: undefined,
    fromBlock: found.from_block as number,
    toBlock: found.to_block as number | null,
  }
}

/** The present versions of the rows whose `property` is one of `wanted` (null finds null). */
export async function loadPresent(sql: Sql, table: TableDefinition, property: string, wanted: (string | null)[]) {
  const column = table.columns.find((candidate) => candidate.property === property)
  if (!column) throw new Error(`${table.name} has no property ${property}`)
  const some = wanted.filter((value) => value !== null)
  const name = quote(column.column)
  const matches = [
    `${name} = any($1::${SQL_TYPE[column.kind] ?? 'text'}[])`,
    wanted.includes(null) && `${name} is null`,
  ]
  const { rows } = await sql.query(
    `select * from ${quote(table.table)} where to_block is null and (${matches.filter(Boolean).join(' or ')})`,
    [some],
  )
  return rows.map((row) => read(table, row))
}

/** Versions as lines of a COPY: the values, then the range. */
function* lines(table: TableDefinition, versions: readonly RowVersion[]): Generator<string> {
  for (const version of versions) {
    const { fromBlock, toBlock } = version
    if (toBlock === fromBlock) continue // replaced within its block
    yield textOf(table, version)
    yield `\t${fromBlock}\t${toBlock ?? '\\N'}\n`
    version.text = undefined // a row that stays in memory needs only one form
  }
}

/** Writes the changes of a batch to one table with at most three statements, whatever the number of rows. */
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
  if (opened.length) {
    const columns = [...textColumns(table).map(({ column }) => column), 'from_block', 'to_block']
    await copyInto(sql, table.table, columns, lines(table, opened))
  }
}

/** Restores every versioned table to its state at the end of block `toBlock`. This is the only rollback there is. */
export async function rollbackRows(sql: Sql, toBlock: number, tables: readonly TableDefinition[] = versionedTables) {
  if (!Number.isSafeInteger(toBlock)) throw new Error(`Cannot roll back to block ${toBlock}: it is not a block number`)
  const statements = tables.map(
    ({ table }) =>
      `delete from ${quote(table)} where from_block > ${toBlock};
       update ${quote(table)} set to_block = null where to_block > ${toBlock};`,
  )
  await sql.query(statements.join('\n'))
}
