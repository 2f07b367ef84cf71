import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { valueSql } from '#schema/rows.ts'
import { ApiError } from '../errors.ts'
import { type Relation, relationsOf } from '../publicTables.ts'
import { requireAddress } from '../requireAddress.ts'
import { SQL_TYPE, type Statement } from './statement.ts'

/** A filter in the form of the GraphQL input: `{and, or, not, <column>: {eq, in, lt, …}, <relation>: {…} | {some, none}}`. */
export type Where = { [name: string]: unknown }

const MAX_CONDITIONS = 100
const MAX_LIST = 1000

/** The SQL condition for the rows of `table` (as `alias`) that match `where`.
 *  @throws ApiError when the filter has more than a hundred conditions, or compares with null. */
export function condition(statement: Statement, table: TableDefinition, alias: string, where: Where): string {
  return new Conditions(statement).all(table, alias, where)
}

class Conditions {
  private count = 0

  constructor(private readonly statement: Statement) {}

  all(table: TableDefinition, alias: string, where: Where): string {
    this.countCondition()
    const parts: string[] = []
    for (const [name, value] of Object.entries(where)) {
      if (value === undefined) continue
      if (value === null) throw comparedWithNull(name)
      if (name === 'and') parts.push(join(this.each(table, alias, value as Where[]), 'and', 'true'))
      else if (name === 'or') parts.push(join(this.each(table, alias, value as Where[]), 'or', 'false'))
      else if (name === 'not') parts.push(`(${this.all(table, alias, value as Where)}) is not true`)
      else parts.push(this.named(table, alias, name, value as Where))
    }
    return join(parts, 'and', 'true')
  }

  private countCondition(): void {
    if (++this.count > MAX_CONDITIONS)
      throw new ApiError(
        'TOO_COMPLEX',
        `The filter has more than ${MAX_CONDITIONS} conditions. Use \`in\`, or several queries.`,
      )
  }

  private each(table: TableDefinition, alias: string, wheres: Where[]): string[] {
    return wheres.map((where) => this.all(table, alias, where))
  }

  private named(table: TableDefinition, alias: string, name: string, value: Where): string {
    const column = table.columns.find((one) => one.property === name)
    if (column) return this.compare(valueSql(alias, column), column, value)
    const relation = relationsOf(table).find((one) => one.field === name)
    if (!relation) throw new ApiError('BAD_INPUT', `${table.name} has no field ${name}.`)
    if (!relation.many) return this.exists(relation, alias, value)
    const parts: string[] = []
    for (const [quantifier, where] of Object.entries(value)) {
      if (where === undefined) continue
      if (where === null) throw comparedWithNull(`${name}.${quantifier}`)
      parts.push(`${quantifier === 'none' ? 'not ' : ''}${this.exists(relation, alias, where as Where)}`)
    }
    return join(parts, 'and', 'true')
  }

  private exists({ target, column, many }: Relation, alias: string, where: Where): string {
    const other = this.statement.alias()
    const meets = many ? `${valueSql(other, column)} = ${alias}.id` : `${other}.id = ${valueSql(alias, column)}`
    const visible = this.statement.visibleAt(target, other)
    return `exists (select 1 from "${target.table}" ${other} where ${meets} and ${visible} and ${this.all(target, other, where)})`
  }

  private compare(name: string, column: ColumnDefinition, operators: Where): string {
    const type = SQL_TYPE[column.kind]
    const bind = (value: unknown, as = type) => this.statement.bind(normal(column, value), as)
    const parts = Object.entries(operators).map(([operator, value]) => {
      if (value === undefined) return 'true'
      this.countCondition()
      if (value === null) throw comparedWithNull(`${column.property}.${operator}`)
      switch (operator) {
        case 'eq':
          return `${name} = ${bind(value)}`
        case 'ne':
          return `${name} is distinct from ${bind(value)}`
        case 'lt':
          return `${name} < ${bind(value)}`
        case 'lte':
          return `${name} <= ${bind(value)}`
        case 'gt':
          return `${name} > ${bind(value)}`
        case 'gte':
          return `${name} >= ${bind(value)}`
        case 'in': {
          const list = value as unknown[]
          if (list.length > MAX_LIST)
            throw new ApiError(
              'TOO_COMPLEX',
              `${column.property}.in takes at most ${MAX_LIST} values. Use several queries.`,
            )
          return `${name} = any(${this.statement.bind(
            list.map((item) => normal(column, item)),
            `${type}[]`,
          )})`
        }
        case 'contains':
          if (column.kind === 'json') return `${name} @> ${this.statement.bind(JSON.stringify(value), 'jsonb')}`
          if (column.kind === 'texts') return `${bind(value, 'text')} = any(${name})`
          return `strpos(lower(${name}), lower(${bind(value, 'text')})) > 0`
        case 'isNull':
          return `${name} is ${value ? '' : 'not '}null`
        default:
          throw new ApiError('BAD_INPUT', `${column.property} has no operator ${operator}.`)
      }
    })
    return join(parts, 'and', 'true')
  }
}

/** Addresses and hashes are stored in lower case; a query may write them in any case. */
function normal(column: ColumnDefinition, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (column.kind === 'address') return requireAddress(`where.${column.property}`, value)
  if (column.kind === 'hash') return value.toLowerCase()
  return column.kind === 'id' || column.ref ? storedId(value) : value
}

/** An id in its stored form: all addresses and hashes in it in lower case. */
export const storedId = (id: string) => id.replace(/0x[0-9a-fA-F]{40,}/g, (hex) => hex.toLowerCase())

/** Joins conditions; `empty` is the condition when there are none. */
function join([first, ...others]: string[], word: 'and' | 'or', empty: string): string {
  if (first === undefined) return empty
  return others.length === 0 ? first : `(${[first, ...others].join(` ${word} `)})`
}

const comparedWithNull = (name: string) =>
  new ApiError('BAD_INPUT', `where.${name} is null. Use isNull: true to match nulls, or leave it out.`)
