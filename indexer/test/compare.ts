import type { Database } from '#schema/database.ts'
import { versionedTables } from '#schema/entities.ts'

/** Rows of every versioned table that only one of two databases holds. The right one's tables are
 *  copied beside the left one's, and compared by `except`. */
export async function difference(left: Database, right: Database): Promise<string[]> {
  const found: string[] = []
  await left.query('drop schema if exists other cascade')
  await left.query('create schema other')
  for (const { table } of versionedTables) {
    await left.query(`create table other."${table}" (like public."${table}")`)
    const { rows } = await right.query(`select to_jsonb(t)::text as row from "${table}" t`)
    for (let start = 0; start < rows.length; start += 5_000)
      await left.query(
        `insert into other."${table}" select * from jsonb_populate_recordset(null::other."${table}", $1::jsonb)`,
        [`[${rows.slice(start, start + 5_000).map(({ row }) => row)}]`],
      )
    const { rows: differing } = await left.query(
      `select 'only left' as side, to_jsonb(t)::text as row from (select * from public."${table}" except select * from other."${table}") t
       union all
       select 'only right', to_jsonb(t)::text from (select * from other."${table}" except select * from public."${table}") t`,
    )
    for (const { side, row } of differing) found.push(`${table}, ${side}: ${row}`)
  }
  return found
}
