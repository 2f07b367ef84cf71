import type { Sql } from './database.ts'
import { type ColumnDefinition, type EntityClass, tableOf } from './define.ts'

/** Reads rows as instances of their entity class, and stores off-chain rows. This is the one place where `createdAt` is translated to
 *  `created_at`. */

const columnLists = new Map<EntityClass, string>()

/** SQL: whether `kept`, a row of a table that keeps values for others, is the one of the row `of`: the version that was there when that one began. */
export const isKeptFor = (of: string): string =>
  `kept.id = ${of}.id and kept.from_block <= ${of}.from_block and (kept.to_block is null or kept.to_block > ${of}.from_block)`

/** SQL: the value of a column of the row `of`. */
export const valueSql = (of: string, { column, keptIn }: Pick<ColumnDefinition, 'column' | 'keptIn'>): string =>
  keptIn ? `(select kept."${column}" from "${keptIn.table}" kept where ${isKeptFor(of)})` : `${of}."${column}"`

/** The columns of `entity` with its property names as aliases: `select ${columns(JobRun)} from job_run`. */
export function columns(entity: EntityClass): string {
  const known = columnLists.get(entity)
  if (known) return known
  const { table, columns: all } = tableOf(entity)
  const sqlOf = (column: ColumnDefinition) => (column.keptIn ? valueSql(`"${table}"`, column) : `"${column.column}"`) // its statement may give the table another name
  const list = all.map((column) => `${sqlOf(column)} as "${column.property}"`).join(', ')
  columnLists.set(entity, list)
  return list
}

/** The present rows, or the rows as of `block` when it is given, as instances of their class. `where` is SQL over the table's
 *  columns with `$1…` for `values`. */
export async function rowsOf<T extends object>(
  sql: Sql,
  entity: EntityClass<T>,
  where = 'true',
  values: unknown[] = [],
  { block, orderBy }: { block?: number; orderBy?: string } = {},
): Promise<T[]> {
  const { table, versioned } = tableOf(entity)
  const parameters = [...values]
  let range = 'true'
  if (versioned && block === undefined) range = 'to_block is null'
  else if (versioned) {
    parameters.push(block)
    range = `from_block <= $${parameters.length} and (to_block is null or to_block > $${parameters.length})`
  }
  const order = orderBy ? ` order by ${orderBy}` : ''
  const { rows } = await sql.query(
    `select ${columns(entity)} from "${table}" where (${where}) and ${range}${order}`,
    parameters,
  )
  return rows.map((row) => Object.assign(new entity(), row))
}

/** The row with this id, now or as of `block`; undefined when there is none. */
export const rowOf = async <T extends object>(
  sql: Sql,
  entity: EntityClass<T>,
  id: string,
  block?: number,
): Promise<T | undefined> => (await rowsOf(sql, entity, 'id = $1', [id], { block }))[0]

/** One row to store, with its class; properties that are left out are null. */
export type EntityRow<T = object> = readonly [EntityClass<T>, Partial<T>]

/** Pairs a class with a row of it, so that the compiler checks the row. */
export const row = <T extends object>(entity: EntityClass<T>, values: Partial<T>): EntityRow<T> => [entity, values]

/** Rows to store in one table, by one statement. */
export interface RowsToStore {
  entity: EntityClass
  /** By column, ready for JSON. */
  values: Record<string, unknown>[]
}

/** Groups rows by table, in the given order. Of rows with the same id, the last counts.
 *  @throws Error for a class that only the indexer may write, or a property that the class does not have. */
export function groupRows(rows: readonly EntityRow[]): RowsToStore[] {
  const groups = new Map<EntityClass, Map<string, Record<string, unknown>>>()
  for (const [entity, values] of rows) {
    const { name, columns: known, versioned } = tableOf(entity)
    if (versioned) throw new Error(`${name} is an on-chain table: only the indexer writes it.`)
    const given = values as Record<string, unknown>
    const unknown = Object.keys(given).find((key) => !known.some(({ property }) => property === key))
    if (unknown) throw new Error(`${name} has no property ${unknown}.`)
    const byId = groups.get(entity) ?? new Map<string, Record<string, unknown>>()
    byId.set(
      String(given.id),
      Object.fromEntries(known.map(({ column, property }) => [column, jsonValue(given[property])])),
    )
    groups.set(entity, byId)
  }
  return [...groups].map(([entity, byId]) => ({ entity, values: [...byId.values()] }))
}

/** JSON has no such numbers: they are written as text, which PostgreSQL converts. */
const jsonValue = (value: unknown) =>
  typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? String(value) : value

/** SQL that stores the rows that `from` yields. A row whose id exists is replaced, so storing it twice is harmless. */
export function storeSql(entity: EntityClass, from: string): string {
  const { table, columns: known } = tableOf(entity)
  const names = known.map(({ column }) => `"${column}"`)
  const updates = names.slice(1).map((column) => `${column} = excluded.${column}`)
  return `insert into "${table}" (${names.join(', ')}) select ${names.map((name) => `stored.${name}`).join(', ')} from ${from}
    on conflict (id) do update set ${updates.join(', ')}`
}

/** Stores off-chain rows, those of a table by one statement. A row whose id exists is replaced, so storing it twice is harmless.
 *  @throws Error for a class that only the indexer may write, or a property that the class does not have. */
export async function saveRows(sql: Sql, rows: readonly EntityRow[]): Promise<void> {
  for (const { entity, values } of groupRows(rows)) {
    const from = `json_populate_recordset(null::"${tableOf(entity).table}", $1) as stored`
    await sql.query(storeSql(entity, from), [JSON.stringify(values)])
  }
}
