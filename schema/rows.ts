import type { Sql } from './database.ts'
import { type EntityClass, tableOf } from './define.ts'

/** Reads rows as instances of their entity class, and stores off-chain rows. This is the one place where `createdAt` is translated to
 *  `created_at`. */

const columnLists = new Map<EntityClass, string>()

/** The columns of `entity` with its property names as aliases: `select ${columns(JobRun)} from job_run`. */
export function columns(entity: EntityClass): string {
  const known = columnLists.get(entity)
  if (known) return known
  const list = tableOf(entity)
    .columns.map(({ column, property }) => `"${column}" as "${property}"`)
    .join(', ')
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

/** Stores off-chain rows. A row whose id exists is replaced, so storing it twice is harmless.
 *  @throws Error for a class that only the indexer may write, or a property that the class does not have. */
export async function saveRows(sql: Sql, rows: readonly EntityRow[]): Promise<void> {
  for (const [entity, values] of rows) {
    const { name, table, columns: known, versioned } = tableOf(entity)
    if (versioned) throw new Error(`${name} is an on-chain table: only the indexer writes it.`)
    const given = values as Record<string, unknown>
    const unknown = Object.keys(given).find((key) => !known.some(({ property }) => property === key))
    if (unknown) throw new Error(`${name} has no property ${unknown}.`)
    const names = known.map(({ column }) => `"${column}"`)
    const updates = names.slice(1).map((column) => `${column} = excluded.${column}`)
    await sql.query(
      `insert into "${table}" (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})
       on conflict (id) do update set ${updates.join(', ')}`,
      known.map(({ property, kind }) => {
        const value = given[property] ?? null
        return kind === 'json' && value !== null ? JSON.stringify(value) : value
      }),
    )
  }
}
