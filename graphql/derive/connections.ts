import type { GraphQLResolveInfo } from 'graphql'
import { Field, Int, ObjectType } from 'type-graphql'
import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { cursorOf, type LoadedRow, type PageResult } from '../query/page.ts'
import { AGGREGATE_OPTIONS, type Aggregates, aggregateFor } from './aggregates.ts'
import { classNamed, declareField } from './declare.ts'

@ObjectType({ description: 'The position of a page in its list.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, {
    description: 'Whether more rows follow. When paging backward: whether `before` was given.',
  })
  hasNextPage!: boolean
  @Field(() => Boolean, {
    description: 'Whether rows come before this page. When paging forward: whether `after` was given.',
  })
  hasPreviousPage!: boolean
  @Field(() => String, { nullable: true, description: 'The cursor of the first row.' })
  startCursor!: string | null
  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last row: pass it as `after` to get the next page.',
  })
  endCursor!: string | null
}

const connections = new Map<TableDefinition, EntityClass>()

/** `ModelConnection` and `ModelEdge`: a page of a list.
 *  @see https://relay.dev/graphql/connections.htm */
export function connectionFor(table: TableDefinition): EntityClass {
  const known = connections.get(table)
  if (known) return known
  const edge = classNamed(`${table.name}Edge`)
  declareField(edge, 'cursor', () => String, { description: 'The row’s position in this order.' })
  declareField(edge, 'node', () => table.entity, { description: 'The row.' })
  ObjectType(edge.name, { description: `One ${table.name} of a list.`, simpleResolvers: true })(edge)
  const connection = classNamed(`${table.name}Connection`)
  declareField(connection, 'edges', () => [edge], { description: 'The rows with their cursors.' })
  declareField(connection, 'nodes', () => [table.entity], { description: 'The rows.' })
  declareField(connection, 'pageInfo', () => PageInfo, { description: 'The position of the page in the list.' })
  declareField(connection, 'totalCount', () => Int, {
    description: 'The number of rows in the whole list; counted only when this field is selected.',
  })
  declareField(connection, 'aggregate', () => aggregateFor(table), AGGREGATE_OPTIONS)
  ObjectType(connection.name, { description: `A page of a list of ${table.name}.`, simpleResolvers: true })(connection)
  connections.set(table, connection)
  return connection
}

/** The paths from a connection to its rows. */
export const ROW_PATHS = [['nodes'], ['edges', 'node']]

/** What is told of the whole list, when it is selected. */
export interface WholeList {
  totalCount(): Promise<number>
  aggregate(info: GraphQLResolveInfo): Promise<Aggregates>
}

/** A page as `ModelConnection`. Cursors and what is told of the whole list are computed only when they are selected. */
export function connectionOf(page: PageResult, whole: WholeList) {
  const { rows, more, request } = page
  const cursor = (row: LoadedRow | undefined) => () => (row ? cursorOf(page, row) : null)
  return {
    nodes: rows,
    edges: () => rows.map((row) => ({ node: row, cursor: cursor(row) })),
    pageInfo: {
      hasNextPage: request.backward ? request.keys !== undefined : more,
      hasPreviousPage: request.backward ? more : request.keys !== undefined,
      startCursor: cursor(rows[0]),
      endCursor: cursor(rows.at(-1)),
    },
    totalCount: whole.totalCount,
    aggregate: (_args: unknown, _context: unknown, info: GraphQLResolveInfo) => whole.aggregate(info),
  }
}
