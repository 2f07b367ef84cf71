import type { Database } from '#schema/database.ts'
import { type ColumnDefinition, type EntityClass, storedColumns, tableOf } from '#schema/define.ts'

/** SQL expressions of `n`, the number of the row from 1, by property; other properties get a value of their type. */
type Expressions = Record<string, string>

export const accountSql = (sql: string) => `'0x' || lpad(to_hex(${sql}), 40, '0')`
export const TIME_SQL = `timestamptz '2026-01-01' + n * interval '1 second'`
const hash = (sql: string) => `'0x' || md5((${sql})::text) || md5('b' || (${sql})::text)`

/** Writes rows 1 to `count` of `entity`. Indexes that are not constraints are dropped before and created again afterwards, which takes a third of
 *  the time. */
export async function fillTable(db: Database, entity: EntityClass, count: number, given: Expressions): Promise<void> {
  const definition = tableOf(entity)
  const { table, versioned } = definition
  const columns = storedColumns(definition)
  const expressions: Expressions = {
    id: 'n::text',
    ...(versioned ? { fromBlock: '1', toBlock: 'null' } : {}),
    ...given,
  }
  const unknown = Object.keys(given).find((key) => !columns.some(({ property }) => property === key))
  if (unknown) throw new Error(`${entity.name} has no property ${unknown}`)
  const { rows: indexes } = await db.query<{ name: string; text: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as text from pg_index i
     where i.indrelid = $1::regclass and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid)`,
    [`"${table}"`],
  )
  const names = columns.map(({ column }) => `"${column}"`).join(', ')
  const values = columns.map((column) => `(${expressions[column.property] ?? valueOfType(column)})`).join(', ')
  await db.transaction(async (sql) => {
    await sql.query(`set local maintenance_work_mem = '256MB'`)
    for (const { name } of indexes) await sql.query(`drop index ${name}`)
    await sql.query(`insert into "${table}" (${names}) select ${values} from generate_series(1, ${count}) n`)
    for (const { text } of indexes) await sql.query(text)
  })
}

function valueOfType({ nullable, kind, property, values, ref }: ColumnDefinition): string {
  if (nullable) return 'null'
  switch (kind) {
    case 'wei':
    case 'int':
    case 'block':
    case 'clock':
    case 'float':
      return '0'
    case 'flag':
      return 'false'
    case 'time':
      return TIME_SQL
    case 'json':
      return `'{}'::jsonb`
    case 'texts':
      return `'{}'::text[]`
    case 'choice':
      return `'${values?.[0]}'`
    case 'address':
      return accountSql('1')
    case 'hash':
      return hash(`'${property}' || n`)
    default:
      return ref ? `'1'` : `'${property} of ' || n`
  }
}
