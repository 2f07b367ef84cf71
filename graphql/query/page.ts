import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { valueSql } from '#schema/rows.ts'
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
import type { Viewer } from './ownRows.ts'
import { listColumns, Statement } from './statement.ts'
import { condition, type Where } from './where.ts'

/** A row that was read from the database: the entity's properties, and the point in the chain as of which it was read. Its relations are
 *  read as of the same point. */
export interface LoadedRow {
  id: string
  [property: string]: unknown
  [ROW_AS_OF]: AsOf
  [ROW_TABLE]: TableDefinition
}
export const ROW_AS_OF = Symbol('row as of')
export const ROW_TABLE = Symbol('row table')

/** The arguments of a connection field. */
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
  /** Whether the rows' cursors were selected. */
  cursors: boolean
}

export interface PageResult {
  rows: LoadedRow[]
  /** Whether more rows follow in the direction of paging. */
  more: boolean
  request: PageRequest
}

/** Validates the arguments of a connection field.
 *  @throws ApiError when the sizes contradict each other or exceed the limit, or the cursor belongs to another list. */
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

/** @throws ApiError when the size exceeds the largest page. */
export function requireSize(name: string, size: number): void {
  if (size > MAX_FIRST)
    throw new ApiError(
      'PAGE_TOO_LARGE',
      `${name} is at most ${MAX_FIRST}. Request smaller pages and continue from the cursor in pageInfo.`,
    )
}

const present = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined

/** The statement for one page; with `by`, for one page of each of `parents`, in the order of the parents. */
export function pageSql(
  request: PageRequest,
  asOf: AsOf,
  viewer: Viewer,
  by?: ColumnDefinition,
  parents?: readonly string[],
): Statement & { text: string } {
  const { table, where, order, size, backward, keys, columns, cursors } = request
  const statement = new Statement(asOf, viewer)
  const parent = by && statement.bind(parents, 'text[]')
  const alias = statement.alias()
  const conditions = [
    ...(by ? [`${valueSql(alias, by)} = p.key`] : []),
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

/** Removes the extra row, which shows whether more rows follow, and puts the rows in the requested order. */
export function pageOf(request: PageRequest, found: LoadedRow[]): PageResult {
  const more = found.length > request.size
  const rows = found.slice(0, request.size)
  return { rows: request.backward ? rows.reverse() : rows, more, request }
}

/** The page when no row of it is selected. */
export const emptyPage = (request: PageRequest): PageResult => ({ rows: [], more: false, request })

export const cursorOf = (page: PageResult, row: LoadedRow) => encodeCursor(page.request.order, row.$keys as Key[])
