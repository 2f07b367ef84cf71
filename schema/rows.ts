import type { Sql } from './database.ts'
import { type EntityClass, tableOf } from './define.ts'

/** Rows of off-chain tables as entities: the one place where `createdAt` meets `created_at`. */

const lists = new Map<EntityClass, string>()

/** The columns of `entity`, named as its properties: `select ${columns(JobRun)} from job_run`. */
export function columns(entity: EntityClass): string {
  const known = lists.get(entity)
  if (known) return known
  const list = tableOf(entity)
    .columns.map(({ column, property }) => `"${column}" as "${property}"`)
    .join(', ')
  lists.set(entity, list)
  return list
}

/** One row to store, with the class that says where; properties left out are null. */
export type EntityRow<T = object> = readonly [EntityClass<T>, Partial<T>]

/** Pairs a class with a row of it, so that the compiler checks the row. */
export const row = <T extends object>(entity: EntityClass<T>, values: Partial<T>): EntityRow<T> => [entity, values]

/** Stores off-chain rows; one whose id already stands is replaced, so storing twice is harmless.
 *  @throws Error for a class the indexer alone may write, or a property the class does not have. */
export async function saveRows(sql: Sql, rows: readonly EntityRow[]): Promise<void> {
  for (const [entity, values] of rows) {
    const { name, table, columns: known, versioned } = tableOf(entity)
    if (versioned) throw new Error(`${name} is on-chain: only the indexer writes it.`)
    const given = values as Record<string, unknown>
    const stranger = Object.keys(given).find((key) => !known.some(({ property }) => property === key))
    if (stranger) throw new Error(`${name} has no property ${stranger}.`)
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
