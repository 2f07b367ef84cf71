import type { ColumnDefinition, TableDefinition } from './define.ts'

/** A row as one line of text, in the fields of PostgreSQL's COPY: what is stored, and what the state root is a digest of, is written
 *  out once.
 *  @see https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS (text format) */

const SPECIAL = /[\\\t\n\r]/
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
const NULL = '\\N'

/** A text as a field. */
export const fieldText = (text: string) =>
  SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!) : text

function hasSortedKeys(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) if (keys[index - 1]! > keys[index]!) return false
  return true
}

/** A value with the keys of its objects sorted, so that the order in which PostgreSQL gives them back does not show; what is sorted
 *  already is not copied. */
export function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.some((inner) => sorted(inner) !== inner) ? value.map(sorted) : value
  const record = value as Record<string, unknown>
  const keys = Object.keys(record)
  let same = hasSortedKeys(keys)
  for (let index = 0; same && index < keys.length; index++) {
    const inner = record[keys[index]!]
    same = typeof inner !== 'object' || sorted(inner) === inner
  }
  return same ? value : Object.fromEntries(keys.sort().map((key) => [key, sorted(record[key])]))
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Events of one block share one moment. */
let lastMoment: Date | undefined
let lastMomentText = ''
function momentText(moment: Date): string {
  if (moment !== lastMoment) {
    lastMomentText = moment.toISOString()
    lastMoment = moment
  }
  return lastMomentText
}

function fieldOf({ kind }: ColumnDefinition): (value: never) => string {
  if (kind === 'json') return (value: unknown) => fieldText(JSON.stringify(sorted(value)))
  if (kind === 'texts') return (value: string[]) => fieldText(`{${value.map(quoted).join(',')}}`)
  if (kind === 'time') return momentText
  return (value: unknown) => (typeof value === 'string' ? fieldText(value) : String(value))
}

interface Shape {
  columns: readonly ColumnDefinition[]
  fields: readonly { property: string; write: (value: never) => string }[]
}

const shapes = new Map<TableDefinition, Shape>()

function shapeOf(table: TableDefinition): Shape {
  const known = shapes.get(table)
  if (known) return known
  const [id, ...others] = table.columns.filter(({ property }) => property !== 'fromBlock' && property !== 'toBlock')
  const columns = [id!, ...others.sort((a, b) => (a.column < b.column ? -1 : 1))]
  const shape = { columns, fields: columns.map((column) => ({ property: column.property, write: fieldOf(column) })) }
  shapes.set(table, shape)
  return shape
}

/** The columns in the order of the text: the id, then by name (their order in the class is no fact), without the block range. */
export const textColumns = (table: TableDefinition): readonly ColumnDefinition[] => shapeOf(table).columns

/** The values of a row, each a field. */
export function rowText(table: TableDefinition, row: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const { property, write } of shapeOf(table).fields) {
    const value = row[property]
    const field = value === null || value === undefined ? NULL : write(value as never)
    text = text ? `${text}\t${field}` : field
  }
  return text
}
