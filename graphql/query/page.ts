import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { ApiError } from '../errors.ts'
import type { AsOf } from './asOf.ts'
import {
  decodeCursor,
  encodeCursor,
  type Key,
  keysetCondition,
  keysSql,
  type OrderBy,
  orderSql,
  type SortOrder,
  sortOrder,
} from './order.ts'
import { columnOf, listColumns, Statement } from './statement.ts'
import { condition, type Where } from './where.ts'

/** A row as the API hands it on: the entity's properties, and the moment at which it was read, which its relations inherit. */
export interface LoadedRow {
  id: string
  [property: string]: unknown
  [ROW_AS_OF]: AsOf
  [ROW_TABLE]: TableDefinition
}
export const ROW_AS_OF = Symbol('at')
export const ROW_TABLE = Symbol('of')

/** What a connection field takes. */
export interface PageArgs {
  where?: Where | null
  orderBy?: OrderBy[] | null
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}

export const DEFAULT_FIRST = 20
export const MAX_FIRST = 1000

/** A validated request for one page. */
export interface PageRequest {
  table: TableDefinition
  where: Where
  order: SortOrder
  size: number
  backward: boolean
  keys: Key[] | undefined
  columns: readonly ColumnDefinition[]
  /** Whether the rows' cursors are wanted. */
  cursors: boolean
}

export interface PageResult {
  rows: LoadedRow[]
  /** Whether rows remain in the direction of travel. */
  more: boolean
  request: PageRequest
}

/** @throws ApiError when the sizes contradict each other, exceed the limit, or the cursor is not this list's. */
export function pageRequest(
  table: TableDefinition,
  args: PageArgs,
  columns: readonly ColumnDefinition[],
  cursors: boolean,
): PageRequest {
  const { first, last, after, before } = args
  if (present(first) && present(last)) throw new ApiError('BAD_PAGE', 'Pass first or last, not both.')
  if (present(after) && present(before)) throw new ApiError('BAD_PAGE', 'Pass after or before, not both.')
  if ((present(after) && present(last)) || (present(before) && present(first)))
    throw new ApiError('BAD_PAGE', 'after goes with first, before with last.')
  const backward = present(last) || present(before)
  const size = (backward ? last : first) ?? DEFAULT_FIRST
  const name = backward ? 'last' : 'first'
  if (size < 0) throw new ApiError('BAD_PAGE', `${name} must not be negative.`)
  requireSize(name, size)
  const order = sortOrder(table, args.orderBy ?? [])
  const cursor = backward ? before : after
  const keys = present(cursor) ? decodeCursor(order, cursor) : undefined
  return { table, where: args.where ?? {}, order, size, backward, keys, columns, cursors }
}

/** @throws ApiError when a page of this size is never served. */
export function requireSize(name: string, size: number): void {
  if (size > MAX_FIRST)
    throw new ApiError(
      'PAGE_TOO_LARGE',
      `${name} is at most ${MAX_FIRST}. Ask for smaller pages and go on from pageInfo's cursor.`,
    )
}

const present = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined

/** The statement for one page; with `by`, for one page of each of `parents`, numbered within the parent. */
export function pageSql(
  request: PageRequest,
  asOf: AsOf,
  by?: ColumnDefinition,
  parents?: readonly string[],
): Statement & { text: string } {
  const { table, where, order, size, backward, keys, columns, cursors } = request
  const statement = new Statement(asOf)
  const parent = by && statement.bind(parents, 'text[]')
  const alias = statement.alias()
  const conditions = [
    ...(by ? [`${columnOf(alias, by)} = p.key`] : []),
    statement.visibleAt(table, alias),
    condition(statement, table, alias, where),
    ...(keys ? [keysetCondition(statement, order, alias, keys, backward)] : []),
  ]
  const inner = `select ${listColumns(alias, columns)}${cursors ? `, ${keysSql(order, alias)} as "$keys"` : ''} from "${table.table}" ${alias}
    where ${conditions.join(' and ')} order by ${orderSql(order, alias, backward)} limit ${Number.isFinite(size) ? size + 1 : 'all'}`
  const text = by
    ? `select p.key as "$parent", r.* from unnest(${parent}) with ordinality as p(key, place)
       cross join lateral (select s.*, row_number() over () as "$n" from (${inner}) s) r order by p.place, r."$n"`
    : inner
  return Object.assign(statement, { text })
}

/** Cuts the extra row that told whether more remain, and puts the rows in the order asked for. */
export function pageOf(request: PageRequest, found: LoadedRow[]): PageResult {
  const more = found.length > request.size
  const rows = found.slice(0, request.size)
  return { rows: request.backward ? rows.reverse() : rows, more, request }
}

export const cursorOf = (page: PageResult, row: LoadedRow) => encodeCursor(page.request.order, row.$keys as Key[])
