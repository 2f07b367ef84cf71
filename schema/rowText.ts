import { type ColumnDefinition, storedColumns, type TableDefinition } from './define.ts'

/** A row as one line of text in the format of PostgreSQL's COPY. The same line is stored by COPY and hashed for the state root, so it is
 *  written only once.
 *  @see https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS (text format) */

const SPECIAL = /[\\\t\n\r]/
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
const NULL = '\\N'

/** An escaped text field. */
export const fieldText = (text: string) =>
  SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character) : text

function isSorted(keys: readonly string[]): boolean {
  let previous = ''
  for (const key of keys) {
    if (key < previous) return false
    previous = key
  }
  return true
}

/** A value with the keys of its objects sorted, because PostgreSQL does not keep their order. A value that is already sorted is not copied. */
export function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.some((inner) => sorted(inner) !== inner) ? value.map(sorted) : value
  const record = value as Record<string, unknown>
  const keys = Object.keys(record)
  return isSorted(keys) && hasSortedValues(record)
    ? value
    : Object.fromEntries(keys.sort().map((key) => [key, sorted(record[key])]))
}

function hasSortedValues(record: Record<string, unknown>): boolean {
  for (const key in record) {
    const inner = record[key]
    if (typeof inner === 'object' && sorted(inner) !== inner) return false
  }
  return true
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** All rows of one block share one Date, so its text is kept. */
let lastTime: Date | undefined
let lastTimeText = ''
function timeText(time: Date): string {
  if (time !== lastTime) {
    lastTimeText = time.toISOString()
    lastTime = time
  }
  return lastTimeText
}

type FieldWriter = (value: unknown) => string

/** The writer for a column's values, whose TypeScript type follows from the column's kind. */
function writerFor({ kind }: ColumnDefinition): FieldWriter {
  if (kind === 'json') return (value) => fieldText(JSON.stringify(sorted(value)))
  if (kind === 'texts') return (value) => fieldText(`{${(value as string[]).map(quoted).join(',')}}`)
  if (kind === 'time') return (value) => timeText(value as Date)
  return (value) => (typeof value === 'string' ? fieldText(value) : String(value))
}

interface Shape {
  columns: readonly ColumnDefinition[]
  fields: readonly { property: string; write: FieldWriter }[]
}

const shapes = new Map<TableDefinition, Shape>()

function shapeOf(table: TableDefinition): Shape {
  const known = shapes.get(table)
  if (known) return known
  const others = storedColumns(table).filter(
    (column) => column !== table.id && column.property !== 'fromBlock' && column.property !== 'toBlock',
  )
  const columns = [table.id, ...others.sort((a, b) => (a.column < b.column ? -1 : 1))]
  const shape = { columns, fields: columns.map((column) => ({ property: column.property, write: writerFor(column) })) }
  shapes.set(table, shape)
  return shape
}

/** The columns in the order of the text: the id, then the others by name, so that the order in the class does not matter. The block range is
 *  not part of the text. */
export const textColumns = (table: TableDefinition): readonly ColumnDefinition[] => shapeOf(table).columns

/** A row as text: its fields, separated by tabs. */
export function rowText(table: TableDefinition, row: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const { property, write } of shapeOf(table).fields) {
    const value = row[property]
    const field = value === null || value === undefined ? NULL : write(value)
    text = text ? `${text}\t${field}` : field
  }
  return text
}
