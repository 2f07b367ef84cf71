import type { Database } from '#schema/database.ts'

export type PgRow = Record<string, unknown>

export const integer = (column: unknown) => BigInt(column as string | number | bigint)

/** The present rows of a table. */
export async function present(db: Database, table: string): Promise<PgRow[]> {
  return (await db.query(`select * from ${table} where to_block is null order by id`)).rows as PgRow[]
}
