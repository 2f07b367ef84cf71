import type { GraphQLResolveInfo } from 'graphql'
import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { type AggregateRequest, grouped } from '../query/aggregate.ts'
import type { AsOf } from '../query/asOf.ts'
import type { Reader } from '../query/reader.ts'
import { fieldKeyOf, fieldsBelow } from '../query/selection.ts'
import type { Where } from '../query/where.ts'
import { selectedStatistics } from './aggregates.ts'
import type { WholeList } from './connections.ts'

/** The rows below one parent. */
interface Below {
  column: ColumnDefinition
  parent: string
}

/** What is told of all rows of a list; of a list below another row, in one statement for all these rows. */
export function wholeList(
  reader: Reader,
  { table, where, asOf }: { table: TableDefinition; where: Where; asOf: AsOf },
  countKey: string,
  below?: Below,
): WholeList {
  const read = (key: string, request: AggregateRequest) =>
    below ? reader.aggregateBelow(key, request, asOf, below.column, below.parent) : reader.aggregate(request, asOf)
  const one = async (key: string, info?: GraphQLResolveInfo) => {
    const request = { table, where, statistics: info ? selectedStatistics(table, info) : [] }
    return (await read(key, request))[0] ?? { count: 0, values: {} }
  }
  return {
    totalCount: async () => (await one(`${countKey}#count`)).count,
    aggregate: async (info) => {
      const selected = fieldsBelow(info)
      const whole = selected.has('count') || selected.has('values') ? await one(fieldKeyOf(info), info) : {}
      const groups = async (...[args, field]: Parameters<Awaited<ReturnType<WholeList['aggregate']>>['groups']>) =>
        read(fieldKeyOf(field), grouped({ table, where, statistics: selectedStatistics(table, field) }, args))
      return { ...whole, groups }
    },
  }
}
