import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { valueSql } from '#schema/rows.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import type { AsOf } from './asOf.ts'
import type { Direction } from './order.ts'
import type { Viewer } from './ownRows.ts'
import { DEFAULT_FIRST, requireSize } from './page.ts'
import { Statement } from './statement.ts'
import { condition, type Where } from './where.ts'

/** Counts and statistics of the rows of a list, whole or in groups, in one statement. They cover exactly the rows of the list: the same filter, the
 *  same point in the chain, and only rows that the caller may read. */

export const MEASURES = ['distinct', 'sum', 'avg', 'min', 'max'] as const
export type Measure = (typeof MEASURES)[number]

export const TIME_BUCKETS = ['hour', 'day', 'week', 'month'] as const
export type TimeBucket = (typeof TIME_BUCKETS)[number]

export interface Statistic {
  column: ColumnDefinition
  measure: Measure
}

/** By what rows are grouped: the value of a column, or the bucket of its time. */
export interface Grouping {
  column: ColumnDefinition
  every?: TimeBucket
}

export const GROUP_ORDERS = ['count', 'time', 'key', ...MEASURES] as const

/** The arguments of `groupBy`. */
export interface GroupArgs {
  by: { field: string; every?: TimeBucket | null }[]
  orderBy?: { value: (typeof GROUP_ORDERS)[number]; field?: string | null; direction?: Direction | null }[] | null
  first?: number | null
  offset?: number | null
}

interface GroupRequest {
  by: Grouping[]
  order: { sql: string; direction: Direction }[]
  size: number
  offset: number
}

export interface AggregateRequest {
  table: TableDefinition
  where: Where
  statistics: Statistic[]
  groups?: GroupRequest
}

const MAX_KEYS = 5
export const MAX_OFFSET = 100_000

/** The measures that a column has, by its kind: amounts are summed, times and heights have ends only, and of the others only values are counted. */
export function measuresOf({ kind, ref }: ColumnDefinition): readonly Measure[] {
  if (kind === 'wei' || kind === 'int' || kind === 'float') return MEASURES
  if (!ref && (kind === 'time' || kind === 'block' || kind === 'clock')) return ['distinct', 'min', 'max']
  return ['distinct']
}

/** Adds groups to a request. @throws ApiError when the arguments name a field that cannot be used, or too many of them. */
export function grouped(
  request: AggregateRequest,
  { by, orderBy, first, offset }: GroupArgs,
): AggregateRequest & { groups: GroupRequest } {
  const { table } = request
  const size = first ?? DEFAULT_FIRST
  requireSize('first', size)
  const skipped = offset ?? 0
  if (size < 0 || skipped < 0) throw new ApiError('BAD_PAGE', 'first and offset must not be negative.')
  if (skipped > MAX_OFFSET)
    throw new ApiError(
      'PAGE_TOO_LARGE',
      `offset is at most ${MAX_OFFSET}. Narrow the filter, or group by fewer fields.`,
    )
  if (by.length === 0 || by.length > MAX_KEYS)
    throw new ApiError('TOO_COMPLEX', `by takes from 1 to ${MAX_KEYS} fields; got ${by.length}.`)
  if ((orderBy?.length ?? 0) > MAX_KEYS) throw new ApiError('TOO_COMPLEX', `orderBy takes at most ${MAX_KEYS} values.`)
  const groupings = by.map(({ field, every }) => groupingOf(table, field, every))
  if (groupings.filter(({ every }) => every).length > 1)
    throw new ApiError('BAD_INPUT', 'by has more than one time bucket. Give `every` for one field.')
  const fields = groupings.map(({ column, every }) => (every ? 'time' : column.property))
  if (new Set(fields).size < fields.length) throw new ApiError('BAD_INPUT', 'by names a field twice. Name it once.')
  const statistics = [...request.statistics]
  const order = (orderBy ?? []).flatMap(({ value, field, direction }) =>
    orderOf(table, groupings, statistics, value, field).map((sql) => ({ sql, direction: direction ?? 'asc' })),
  )
  if (order.length === 0 && !fields.includes('time')) order.push({ sql: 'g."count"', direction: 'desc' })
  for (const [n, grouping] of groupings.entries())
    for (const sql of keyOrder(grouping, n)) order.push({ sql, direction: 'asc' })
  return { ...request, statistics, groups: { by: groupings, order, size, offset: skipped } }
}

function columnNamed(table: TableDefinition, field: string): ColumnDefinition {
  const column = table.columns.find(({ property }) => property === field)
  if (!column) throw new ApiError('BAD_INPUT', `${table.name} has no field ${field}.`)
  return column
}

function groupingOf(table: TableDefinition, field: string, every: TimeBucket | null | undefined): Grouping {
  const column = columnNamed(table, field)
  if (!every) return { column }
  if (column.kind !== 'time' && column.kind !== 'block')
    throw new ApiError('BAD_INPUT', `every is for times and block numbers; ${field} is neither.`)
  return { column, every }
}

/** The SQL by which groups are sorted; a statistic that was not selected is added to `statistics`. */
function orderOf(
  table: TableDefinition,
  groupings: readonly Grouping[],
  statistics: Statistic[],
  value: (typeof GROUP_ORDERS)[number],
  field: string | null | undefined,
): string[] {
  if (value === 'count') return ['g."count"']
  const place = groupings.findIndex(({ column, every }) =>
    value === 'time' ? every : !every && column.property === field,
  )
  if (value === 'time' || value === 'key') {
    const grouping = groupings[place]
    if (!grouping)
      throw new ApiError('BAD_INPUT', `orderBy ${value}${field ? ` of ${field}` : ''} is not in by. Group by it, too.`)
    return keyOrder(grouping, place)
  }
  if (!field) throw new ApiError('BAD_INPUT', `orderBy ${value} needs a field.`)
  const column = columnNamed(table, field)
  if (!measuresOf(column).includes(value)) throw new ApiError('BAD_INPUT', `${field} has no ${value}.`)
  let index = statistics.findIndex((one) => one.column === column && one.measure === value)
  if (index < 0) index = statistics.push({ column, measure: value }) - 1
  return [`g."s${index}"`]
}

const isNumericId = ({ numeric, ref }: ColumnDefinition): boolean =>
  numeric === true || (ref !== undefined && tableFor(ref.target()).id.numeric === true)

/** Numeric ids sort as numbers, as in lists. */
const keyOrder = ({ column }: Grouping, place: number) =>
  isNumericId(column) ? [`length(g."k${place}")`, `g."k${place}"`] : [`g."k${place}"`]

const STATISTIC: Record<Measure, (name: string, column: ColumnDefinition) => string> = {
  distinct: (name) => `count(distinct ${name})`,
  sum: (name, { kind }) => `sum(${name})${kind === 'int' ? '::numeric' : ''}`,
  // `avg` would round a quotient of large amounts to 16 digits.
  avg: (name, { kind }) => (kind === 'wei' ? `div(sum(${name}), count(${name}))` : `avg(${name})::double precision`),
  min: (name) => `min(${name})`,
  max: (name) => `max(${name})`,
}

/** The start of the bucket in UTC. */
function keySql(grouping: Grouping, alias: string, place: number): string {
  const name = valueSql(alias, grouping.column)
  if (!grouping.every) return name
  return `date_trunc('${grouping.every}', ${isTimedByBlock(grouping) ? `${alias}_${place}.timestamp` : name}, 'UTC')`
}

const isTimedByBlock = ({ column, every }: Grouping) => every !== undefined && column.kind !== 'time'

/** The time of a block. Of one without a stored header, that of the last one before it counts. A join, because PostgreSQL remembers the time of a block for
 *  all of its rows then. */
const blockTime = ({ column }: Grouping, alias: string, place: number) =>
  `left join lateral (select b.timestamp from block b where b.number <= ${valueSql(alias, column)}
   order by b.number desc limit 1) ${alias}_${place} on true`

/** The statement for one aggregate, or for the groups; with `by`, for each of `parents`. */
export function aggregateSql(
  { table, where, statistics, groups }: AggregateRequest,
  asOf: AsOf,
  viewer: Viewer,
  by?: ColumnDefinition,
  parents?: readonly string[],
): Statement & { text: string } {
  const statement = new Statement(asOf, viewer)
  const parent = by && statement.bind(parents, 'text[]')
  const alias = statement.alias()
  const groupings = groups?.by ?? []
  const keys = groupings.map((grouping, n) => `${keySql(grouping, alias, n)} as "k${n}"`)
  const times = groupings
    .map((grouping, n) => (isTimedByBlock(grouping) ? blockTime(grouping, alias, n) : ''))
    .join(' ')
  const selected = [
    ...keys,
    'count(*) as "count"',
    ...statistics.map(({ column, measure }, n) => `${STATISTIC[measure](valueSql(alias, column), column)} as "s${n}"`),
  ]
  const conditions = [
    ...(by ? [`${valueSql(alias, by)} = p.key`] : []),
    statement.visibleAt(table, alias),
    condition(statement, table, alias, where),
  ]
  const rows = `select ${selected.join(', ')} from "${table.table}" ${alias} ${times} where ${conditions.join(' and ')}`
  const inner = groups
    ? `select * from (${rows} group by ${keys.map((_, n) => n + 1).join(', ')}) g
       order by ${groups.order.map(({ sql, direction }) => `${sql} ${direction}`).join(', ')} limit ${groups.size} offset ${groups.offset}`
    : rows
  const text = by
    ? `select p.key as "$parent", r.* from unnest(${parent}) with ordinality as p(key, place)
       cross join lateral (select s.*, row_number() over () as "$n" from (${inner}) s) r order by p.place, r."$n"`
    : inner
  return Object.assign(statement, { text })
}

/** One row of the statement, in the form of the GraphQL types. */
export interface AggregateRow {
  count: number
  /** By column and measure. */
  values: Record<string, Partial<Record<Measure, unknown>>>
  key: Record<string, unknown>
  time: Date | null
}

export function aggregateRow({ statistics, groups }: AggregateRequest, row: Record<string, unknown>): AggregateRow {
  const values: AggregateRow['values'] = {}
  for (const [n, { column, measure }] of statistics.entries()) {
    const value = row[`s${n}`]
    const told = typeof value === 'number' && !Number.isFinite(value) ? null : value
    values[column.property] = { ...values[column.property], [measure]: told }
  }
  const key: Record<string, unknown> = {}
  let time: Date | null = null
  for (const [n, { column, every }] of (groups?.by ?? []).entries()) {
    if (every) time = row[`k${n}`] as Date | null
    else key[column.property] = row[`k${n}`]
  }
  return { count: row.count as number, values, key, time }
}
