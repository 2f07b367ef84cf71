import type { Sql } from './database.ts'
import { type EntityClass, tableOf } from './define.ts'
import { columns } from './rows.ts'

/** Rows that hold now, or as of `block` when it is given, as instances of their class. `where` is SQL over the table's
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
  let time = 'true'
  if (versioned && block === undefined) time = 'to_block is null'
  else if (versioned) {
    parameters.push(block)
    time = `from_block <= $${parameters.length} and (to_block is null or to_block > $${parameters.length})`
  }
  const order = orderBy ? ` order by ${orderBy}` : ''
  const { rows } = await sql.query(
    `select ${columns(entity)} from "${table}" where (${where}) and ${time}${order}`,
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
