import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { valueSql } from '#schema/rows.ts'
import { ApiError } from '../errors.ts'
import { SQL_TYPE, type Statement } from './statement.ts'

export type Direction = 'asc' | 'desc'
export interface OrderBy {
  field: string
  direction?: Direction | null
}

/** One sort expression, and the column kind by which a cursor's value is checked. */
interface SortTerm {
  sql: (alias: string) => string
  type: string
  kind: ColumnDefinition['kind']
  direction: Direction
  nullable: boolean
}

/** A total order of a table's rows: the requested fields, then the id, so that no two rows are equal. Numeric ids sort as numbers
 *  (by length, then as text), others as text; nulls sort as greater than every value. */
export interface SortOrder {
  /** Identifies the order in cursors. */
  signature: string
  terms: SortTerm[]
}

const MAX_FIELDS = 5
/** Texts are sorted by so many characters, and then by id: a cursor has what its list is sorted by, and must stay short. */
const SORTED_CHARACTERS = 200
const MAX_CURSOR = 16_384

export function sortOrder(table: TableDefinition, orderBy: readonly OrderBy[] = []): SortOrder {
  if (orderBy.length > MAX_FIELDS) throw new ApiError('TOO_COMPLEX', `orderBy takes at most ${MAX_FIELDS} fields.`)
  const terms: SortTerm[] = []
  const names: string[] = []
  const add = (field: string, direction: Direction) => {
    if (names.some((name) => name.slice(0, -1) === field)) return
    const column = table.columns.find((one) => one.property === field)
    if (!column) throw new ApiError('BAD_INPUT', `${table.name} cannot be sorted by ${field}.`)
    names.push(field + (direction === 'asc' ? '+' : '-'))
    const { kind, nullable } = column
    if (column.numeric)
      terms.push({ sql: (alias) => `length(${alias}.id)`, type: 'integer', kind: 'int', direction, nullable: false })
    const isLong = kind === 'text' && !column.indexed && !column.ref
    const sql = (alias: string) =>
      isLong ? `left(${valueSql(alias, column)}, ${SORTED_CHARACTERS})` : valueSql(alias, column)
    terms.push({ sql, type: SQL_TYPE[kind], kind, direction, nullable })
  }
  for (const { field, direction } of orderBy) add(field, direction ?? 'asc')
  add('id', orderBy.at(-1)?.direction ?? 'asc')
  return { signature: `${table.name}:${names.join('')}`, terms }
}

const flip = (direction: Direction): Direction => (direction === 'asc' ? 'desc' : 'asc')

/** The expressions of `order by`, reversed when `backward`. */
export const orderSql = (order: SortOrder, alias: string, backward: boolean) =>
  order.terms.map((term) => `${term.sql(alias)} ${backward ? flip(term.direction) : term.direction}`).join(', ')

/** The terms' values as exact text, for the cursor. */
export const keysSql = (order: SortOrder, alias: string) =>
  `array[${order.terms.map((term) => `${term.sql(alias)}::text`).join(', ')}]`

/** The SQL condition for rows after the cursor, or before it when `backward` (keyset pagination). */
export function keysetCondition(
  statement: Statement,
  order: SortOrder,
  alias: string,
  keys: Key[],
  backward: boolean,
): string {
  const terms = order.terms.map(({ sql, type, nullable, direction }, i) => {
    const key = keys[i] ?? null
    const value = key === null ? null : statement.bind(key, type)
    return { name: sql(alias), value, nullable, direction: backward ? flip(direction) : direction }
  })
  const directions = new Set(terms.map(({ direction }) => direction))
  if (directions.size === 1 && terms.every(({ nullable }) => !nullable)) {
    const names = terms.map(({ name }) => name).join(', ')
    return `(${names}) ${directions.has('asc') ? '>' : '<'} (${terms.map(({ value }) => value).join(', ')})`
  }
  const alternatives = terms.flatMap(({ name, value, direction, nullable }, i) => {
    const step = after(name, value, direction, nullable)
    if (!step) return []
    const equal = terms.slice(0, i).map((term) => `${term.name} ${term.value === null ? 'is null' : `= ${term.value}`}`)
    return [`(${[...equal, step].join(' and ')})`]
  })
  return `(${alternatives.join(' or ')})`
}

function after(name: string, value: string | null, direction: Direction, nullable: boolean): string | undefined {
  if (direction === 'asc') {
    if (value === null) return undefined
    return nullable ? `(${name} > ${value} or ${name} is null)` : `${name} > ${value}`
  }
  return value === null ? `${name} is not null` : `${name} < ${value}`
}

/** The value of one term, as text. */
export type Key = string | null

const SHAPE: Partial<Record<ColumnDefinition['kind'], RegExp>> = {
  wei: /^-?\d{1,78}$/,
  int: /^-?\d{1,10}$/,
  block: /^-?\d{1,18}$/,
  clock: /^\d{1,16}$/,
  float: /^(-?\d+(\.\d+)?(e[-+]?\d+)?|NaN|-?Infinity)$/,
  flag: /^(true|false)$/,
  time: /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[-+]\d\d(:\d\d){0,2}$/,
}

export const encodeCursor = (order: Pick<SortOrder, 'signature'>, keys: Key[]): string =>
  Buffer.from(JSON.stringify([order.signature, ...keys])).toString('base64url')

/** The keys in a cursor of this order. @throws ApiError when the text is not a cursor, or is a cursor of another list. */
export function decodeCursor(order: SortOrder, cursor: string): Key[] {
  const keys = parseCursor(cursor)
  if (!keys)
    throw new ApiError('BAD_CURSOR', 'The cursor cannot be read. Pass one that this connection returned, unchanged.')
  const [signature, ...values] = keys
  if (signature !== order.signature)
    throw new ApiError('BAD_CURSOR', 'The cursor belongs to another list or another orderBy. Start again without it.')
  const valid =
    values.length === order.terms.length &&
    order.terms.every(({ kind, nullable }, i) => {
      const value = values[i]
      if (value === null) return nullable
      return value !== undefined && !value.includes('\0') && (SHAPE[kind]?.test(value) ?? true)
    })
  if (!valid)
    throw new ApiError('BAD_CURSOR', 'The cursor cannot be read. Pass one that this connection returned, unchanged.')
  return values
}

/** The signature and the keys in a cursor; undefined when the text is not a cursor. */
export function parseCursor(cursor: string): Key[] | undefined {
  if (cursor.length > MAX_CURSOR || !/^[\w-]+$/.test(cursor)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(value) && value.every((item) => item === null || typeof item === 'string') ? value : undefined
  } catch {
    return undefined
  }
}
