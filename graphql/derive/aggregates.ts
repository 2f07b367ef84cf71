import type { GraphQLResolveInfo } from 'graphql'
import { GraphQLDateTimeISO } from 'graphql-scalars'
import {
  Extensions,
  FieldResolver,
  Float,
  getMetadataStorage,
  InputType,
  Int,
  ObjectType,
  Resolver,
} from 'type-graphql'
import { declareEnum } from '#schema/declareEnum.ts'
import type { ColumnDefinition, EntityClass, TableDefinition } from '#schema/define.ts'
import { BigIntScalar, ClockScalar } from '#schema/scalars.ts'
import { listLengthFrom } from '../plugins/listLength.ts'
import {
  type AggregateRow,
  type GROUP_ORDERS,
  type GroupArgs,
  MAX_OFFSET,
  type Measure,
  measuresOf,
  type Statistic,
  TIME_BUCKETS,
} from '../query/aggregate.ts'
import { fieldsBelow } from '../query/selection.ts'
import { classNamed, declareDirect, declareField } from './declare.ts'
import { fieldsFor, OrderDirection, sortableColumns } from './filters.ts'

/** The types of `aggregate`, derived from the entities' columns. */

/** An aggregate reads the whole list. */
const COST = 100

const TimeBuckets = declareEnum(
  'TimeBucket',
  'The length of a time bucket. Buckets begin in UTC.',
  Object.fromEntries(
    TIME_BUCKETS.map((unit) => [unit, unit === 'week' ? 'Weeks begin on Monday.' : `Each calendar ${unit}.`]),
  ),
)
const ORDER_TEXTS: Record<(typeof GROUP_ORDERS)[number], string> = {
  count: 'The number of rows in the group.',
  time: 'The start of the time bucket.',
  key: 'The value of `field`, by which the rows are grouped.',
  distinct: 'The number of different values of `field`.',
  sum: 'The sum of `field`.',
  avg: 'The mean of `field`.',
  min: 'The least value of `field`.',
  max: 'The greatest value of `field`.',
}
const GroupOrders = declareEnum('GroupValue', 'What groups are sorted by.', ORDER_TEXTS)

const MEASURE_TEXTS: Record<Measure, string> = {
  distinct: 'The number of different values; nulls do not count.',
  sum: 'The exact sum. Null when there is no value.',
  avg: 'The mean of the values that are not null. Null when there is none.',
  min: 'The least value. Null when there is none.',
  max: 'The greatest value. Null when there is none.',
}

interface StatisticsKind {
  name: string
  description: string
  /** The type of `min` and `max`. */
  value?: () => unknown
  sum?: () => unknown
  avg?: () => unknown
  avgText?: string
}

function statisticsKind({ kind, ref }: ColumnDefinition): StatisticsKind {
  const big = () => BigIntScalar
  if (!ref)
    switch (kind) {
      case 'wei':
        return {
          ...{ name: 'BigIntStatistics', description: 'Statistics of exact integers.', value: big, sum: big, avg: big },
          avgText: 'The mean of the values that are not null, rounded towards zero. Null when there is none.',
        }
      case 'int':
        return {
          name: 'IntStatistics',
          description: 'Statistics of integers.',
          value: () => Int,
          sum: big,
          avg: () => Float,
        }
      case 'float':
        return {
          name: 'FloatStatistics',
          description: 'Statistics of floating-point numbers. A result that is not finite is null.',
          value: () => Float,
          sum: () => Float,
          avg: () => Float,
        }
      case 'block':
        return { name: 'BlockStatistics', description: 'Statistics of block numbers.', value: () => Int }
      case 'clock':
        return {
          name: 'ClockStatistics',
          description: 'Statistics of values of a Governor’s clock.',
          value: () => ClockScalar,
        }
      case 'time':
        return { name: 'TimeStatistics', description: 'Statistics of times.', value: () => GraphQLDateTimeISO }
    }
  return { name: 'ValueStatistics', description: 'How many different values a field has.' }
}

const statistics = new Map<string, EntityClass>()

function statisticsFor(column: ColumnDefinition): EntityClass {
  const { name, description, value, sum, avg, avgText } = statisticsKind(column)
  const known = statistics.get(name)
  if (known) return known
  const made = classNamed(name)
  declareField(made, 'distinct', () => Int, { description: MEASURE_TEXTS.distinct })
  const add = (measure: Measure, type: (() => unknown) | undefined, text = MEASURE_TEXTS[measure]) => {
    if (type) declareField(made, measure, type, { nullable: true, description: text })
  }
  add(
    'sum',
    sum,
    name === 'FloatStatistics' ? 'The sum, in floating-point arithmetic. Null when there is no value.' : undefined,
  )
  add('avg', avg, avgText)
  add('min', value)
  add('max', value)
  ObjectType(name, { description, simpleResolvers: true })(made)
  statistics.set(name, made)
  return made
}

/** What a connection gives for its field `aggregate`. */
export interface Aggregates {
  count?: number
  values?: AggregateRow['values']
  groups(args: GroupArgs, info: GraphQLResolveInfo): Promise<AggregateRow[]>
}

const aggregates = new Map<TableDefinition, EntityClass>()

/** `ModelAggregate`: the count and the statistics of a list, and its groups. */
export function aggregateFor(table: TableDefinition): EntityClass {
  const known = aggregates.get(table)
  if (known) return known
  const { name } = table
  const columns = sortableColumns(table)
  const values = classNamed(`${name}Values`)
  const key = classNamed(`${name}Key`)
  for (const column of columns) {
    const statistics = statisticsFor(column)
    declareField(values, column.property, () => statistics, { description: `Of: ${column.description}` })
    declareField(key, column.property, fieldType(table, column), {
      nullable: true,
      description: `${column.description} Null when the rows have none, and when \`by\` does not name it.`,
    })
  }
  ObjectType(values.name, { description: `Statistics of the fields of ${name}.`, simpleResolvers: true })(values)
  ObjectType(key.name, {
    description: `What the rows of a group of ${name} have in common.`,
    simpleResolvers: true,
  })(key)
  const group = classNamed(`${name}Group`)
  declareField(group, 'key', () => key, { description: 'The values by which the rows are grouped.' })
  declareField(group, 'time', () => GraphQLDateTimeISO, {
    nullable: true,
    description: 'The start of the time bucket, in UTC. Null without one, and for rows without a time.',
  })
  const aggregate = classNamed(`${name}Aggregate`)
  for (const one of [group, aggregate]) {
    declareField(one, 'count', () => Int, { description: 'The number of rows.' })
    declareField(one, 'values', () => values, {
      description: 'Sums, means, ends and numbers of different values, by field.',
    })
  }
  ObjectType(group.name, { description: `Rows of ${name} with the same key.`, simpleResolvers: true })(group)
  ObjectType(aggregate.name, {
    description: `What all rows of a list of ${name} give together, not only those of the page.`,
    simpleResolvers: true,
  })(aggregate)
  aggregates.set(table, aggregate)
  return aggregate
}

/** Block ranges have no metadata of their own in the entity's class. */
function fieldType(table: TableDefinition, column: ColumnDefinition): () => unknown {
  const field = getMetadataStorage().fields.find((one) => one.target === table.entity && one.name === column.property)
  return field ? (field.getType as () => unknown) : () => Int
}

/** The resolver of `groupBy`, which takes arguments. */
export function groupResolver(table: TableDefinition): EntityClass {
  const { name } = table
  const aggregate = aggregateFor(table)
  const owner = classNamed(`${name}AggregateResolver`)
  const group = () => getMetadataStorage().objectTypes.find((type) => type.name === `${name}Group`)?.target
  const fields = fieldsFor(table)
  const by = classNamed(`${name}GroupBy`)
  declareField(by, 'field', () => fields, { description: 'Rows with the same value of it are in one group.' })
  declareField(by, 'every', () => TimeBuckets, {
    nullable: true,
    description:
      'Group by the time bucket in which the field lies: a time, or a block number, whose block’s time counts.',
  })
  InputType(by.name, { description: `A field by which rows of ${name} are grouped, by value or by time bucket.` })(by)
  const order = classNamed(`${name}GroupOrderBy`)
  declareField(order, 'value', () => GroupOrders, { description: 'Sort by this.' })
  declareField(order, 'field', () => fields, {
    nullable: true,
    description: 'The field that `value` is about; not for `count` and `time`.',
  })
  declareField(order, 'direction', () => OrderDirection, {
    defaultValue: 'asc',
    description: 'Ascending or descending.',
  })
  InputType(order.name, { description: `One sort key of groups of ${name}.` })(order)
  const kind = FieldResolver(() => [group() as EntityClass], {
    description: 'The rows in groups that have the same values, or lie in the same time bucket.',
    complexity: COST,
  })
  const args = [
    { name: 'by', type: () => [by], nullable: false, description: 'One to five fields; at most one in time buckets.' },
    {
      name: 'orderBy',
      type: () => [order],
      description:
        'The order of the groups. When absent: by time where there are time buckets, else the largest groups first. Keys break ties.',
    },
    { name: 'first', type: () => Int, description: 'The number of groups: 20 when absent, at most 1,000.' },
    {
      name: 'offset',
      type: () => Int,
      description: `The number of groups to skip, at most ${MAX_OFFSET.toLocaleString('en')}. Give \`asOf\`, so that all pages are of the same rows.`,
    },
  ]
  declareDirect(
    aggregate.name,
    owner,
    'groupBy',
    kind,
    args,
    (given: GroupArgs, { root, info }: { root: Aggregates; info: GraphQLResolveInfo }) => root.groups(given, info),
  )
  Extensions(listLengthFrom('first'))(owner.prototype, 'groupBy')
  Resolver(() => aggregate)(owner)
  return owner
}

/** The statistics that a query selects below `values` of the field of `info`. */
export function selectedStatistics(table: TableDefinition, info: GraphQLResolveInfo): Statistic[] {
  return sortableColumns(table).flatMap((column) => {
    const wanted = fieldsBelow(info, ['values', column.property])
    return measuresOf(column).flatMap((measure) => (wanted.has(measure) ? [{ column, measure }] : []))
  })
}

export const AGGREGATE_OPTIONS = {
  description:
    'Counts, sums and other statistics of the whole list, with its filter and as of the same point in the chain; computed only when it is selected.',
  complexity: COST,
}
