import { GraphQLDateTimeISO, GraphQLJSON } from 'graphql-scalars'
import { Float, getMetadataStorage, ID, InputType, Int } from 'type-graphql'
import { declareEnum } from '#schema/declareEnum.ts'
import type { ColumnDefinition, ColumnKind, EntityClass, TableDefinition } from '#schema/define.ts'
import { describedEnum } from '#schema/describedEnums.ts'
import { BigIntScalar, ClockScalar } from '#schema/scalars.ts'
import { confidentialColumns } from '../confidential.ts'
import { relationsOf } from '../publicTables.ts'
import { classNamed, declareField } from './declare.ts'

/** The input types for filters and orders of lists, derived from the entities' columns. */

const OPERATORS: Record<string, string> = {
  eq: 'Equals.',
  ne: 'Is different, or is null.',
  in: 'Equals one of these (at most 1,000).',
  lt: 'Is less than.',
  lte: 'Is at most.',
  gt: 'Is greater than.',
  gte: 'Is at least.',
  contains:
    'Contains: a substring of a text, ignoring case (beyond a–z only where the database’s locale supports it); an item of a list; or a part of a JSON object.',
  isNull: 'true: is null; false: is not null.',
}
const EXACT = ['eq', 'ne', 'in', 'isNull']
const ORDERED = ['eq', 'ne', 'in', 'lt', 'lte', 'gt', 'gte', 'isNull']

interface FilterKind {
  name: string
  scalar: () => unknown
  operators: string[]
}

const text: FilterKind = { name: 'Text', scalar: () => String, operators: [...ORDERED, 'contains'] }
const FILTERS: Record<Exclude<ColumnKind, 'choice'>, FilterKind> = {
  id: { name: 'Id', scalar: () => ID, operators: ['eq', 'ne', 'in'] },
  text,
  hash: { name: 'Hash', scalar: () => String, operators: EXACT },
  address: { name: 'Address', scalar: () => String, operators: EXACT },
  wei: { name: 'BigInt', scalar: () => BigIntScalar, operators: ORDERED },
  int: { name: 'Int', scalar: () => Int, operators: ORDERED },
  block: { name: 'Int', scalar: () => Int, operators: ORDERED },
  clock: { name: 'Clock', scalar: () => ClockScalar, operators: ORDERED },
  float: { name: 'Float', scalar: () => Float, operators: ORDERED },
  flag: { name: 'Boolean', scalar: () => Boolean, operators: ['eq', 'isNull'] },
  time: { name: 'Time', scalar: () => GraphQLDateTimeISO, operators: ORDERED },
  json: { name: 'Json', scalar: () => GraphQLJSON, operators: ['contains', 'isNull'] },
  texts: { name: 'TextList', scalar: () => String, operators: ['contains', 'isNull'] },
}

const filters = new Map<string, EntityClass>()

function filterFor(table: TableDefinition, column: ColumnDefinition): EntityClass {
  const kind =
    column.kind === 'choice'
      ? choice(table, column)
      : column.ref
        ? { ...FILTERS.id, name: 'Ref', operators: EXACT }
        : FILTERS[column.kind]
  const name = `${kind.name}Filter`
  const known = filters.get(name)
  if (known) return known
  const made = classNamed(name)
  for (const operator of kind.operators) {
    const type = operator === 'in' ? () => [kind.scalar()] : operator === 'isNull' ? () => Boolean : kind.scalar
    declareField(made, operator, type, { nullable: true, description: OPERATORS[operator] })
  }
  InputType(name, { description: 'All given operators must match.' })(made)
  filters.set(name, made)
  return made
}

/** The filter of a choice column uses the enum of the entity's field. */
function choice(table: TableDefinition, column: ColumnDefinition): FilterKind {
  const storage = getMetadataStorage()
  const field = storage.fields.find((one) => one.target === table.entity && one.name === column.property)
  const members = field?.getType() as unknown
  const name = storage.enums.find((one) => one.enumObj === members)?.name
  if (!name) throw new Error(`${table.name}.${column.property} is a choice column without a registered enum`)
  return { name, scalar: () => members, operators: EXACT }
}

/** The columns that filters and orders may use: those with a field that every caller may read. */
function openColumns(table: TableDefinition): ColumnDefinition[] {
  const { fields } = getMetadataStorage()
  const inherited = table.versioned ? ['fromBlock', 'toBlock'] : []
  return table.columns.filter(
    ({ property }) =>
      inherited.includes(property) ||
      (fields.some((one) => one.target === table.entity && one.name === property) &&
        !confidentialColumns(table).includes(property)),
  )
}

const wheres = new Map<TableDefinition, EntityClass>()
const lists = new Map<TableDefinition, EntityClass>()

/** `ModelWhere`: and, or, not, a filter for each column, and conditions on related rows. */
export function whereFor(table: TableDefinition): EntityClass {
  const known = wheres.get(table)
  if (known) return known
  const made = classNamed(`${table.name}Where`)
  wheres.set(table, made)
  declareField(made, 'and', () => [made], { nullable: true, description: 'All of these match.' })
  declareField(made, 'or', () => [made], { nullable: true, description: 'At least one of these matches.' })
  declareField(made, 'not', () => made, { nullable: true, description: 'This does not match.' })
  for (const column of openColumns(table)) {
    const filter = filterFor(table, column)
    declareField(made, column.property, () => filter, { nullable: true, description: column.description })
  }
  for (const { field, target, many } of relationsOf(table)) {
    const type = many ? listFilterFor(target) : whereFor(target)
    declareField(made, field, () => type, {
      nullable: true,
      description: many ? `Conditions on its ${field}.` : `The ${field} matches this.`,
    })
  }
  InputType(made.name, { description: `A filter on rows of ${table.name}. All given conditions must match.` })(made)
  return made
}

function listFilterFor(target: TableDefinition): EntityClass {
  const known = lists.get(target)
  if (known) return known
  const made = classNamed(`${target.name}ListFilter`)
  lists.set(target, made)
  declareField(made, 'some', () => whereFor(target), { nullable: true, description: 'At least one row matches this.' })
  declareField(made, 'none', () => whereFor(target), { nullable: true, description: 'No row matches this.' })
  InputType(made.name, { description: `Conditions on a list of ${target.name}.` })(made)
  return made
}

export const OrderDirection = describedEnum('OrderDirection', { asc: 'asc', desc: 'desc' })

/** The columns by which rows can be sorted and grouped. */
export const sortableColumns = (table: TableDefinition): ColumnDefinition[] =>
  openColumns(table).filter(({ kind }) => kind !== 'json' && kind !== 'texts')

const fieldEnums = new Map<TableDefinition, object>()

/** The enum `ModelField`: the sortable columns. */
export function fieldsFor(table: TableDefinition): object {
  const known = fieldEnums.get(table)
  if (known) return known
  const fields = sortableColumns(table)
  const members = declareEnum(
    `${table.name}Field`,
    `A field by which ${table.name} can be sorted and grouped.`,
    Object.fromEntries(fields.map(({ property, description }) => [property, description])),
  )
  fieldEnums.set(table, members)
  return members
}

const orders = new Map<TableDefinition, EntityClass>()

/** `ModelOrderBy`: a column and a direction. */
export function orderFor(table: TableDefinition): EntityClass {
  const known = orders.get(table)
  if (known) return known
  const made = classNamed(`${table.name}OrderBy`)
  declareField(made, 'field', () => fieldsFor(table), { description: 'Sort by this field.' })
  declareField(made, 'direction', () => OrderDirection, {
    defaultValue: 'asc',
    description: 'Ascending or descending.',
  })
  InputType(made.name, { description: `One sort key of ${table.name}.` })(made)
  orders.set(table, made)
  return made
}
