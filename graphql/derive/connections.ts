import { Field, Int, ObjectType } from 'type-graphql'
import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { cursorOf, type LoadedRow, type PageResult } from '../query/page.ts'
import { classNamed, declareField } from './declare.ts'

@ObjectType({ description: 'Where a page lies in its list.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, {
    description: 'Whether rows follow. Known when paging forward; else whether `before` was given.',
  })
  hasNextPage!: boolean
  @Field(() => Boolean, {
    description: 'Whether rows come before. Known when paging backward; else whether `after` was given.',
  })
  hasPreviousPage!: boolean
  @Field(() => String, { nullable: true, description: 'The cursor of the first row.' })
  startCursor!: string | null
  @Field(() => String, { nullable: true, description: 'The cursor of the last row: pass it as `after` to go on.' })
  endCursor!: string | null
}

const connections = new Map<TableDefinition, EntityClass>()

/** `ModelConnection` and `ModelEdge`: a page of a list, after Relay's specification of cursor connections. */
export function connectionFor(table: TableDefinition): EntityClass {
  const known = connections.get(table)
  if (known) return known
  const edge = classNamed(`${table.name}Edge`)
  declareField(edge, 'cursor', () => String, { description: 'Names the row’s place in this order.' })
  declareField(edge, 'node', () => table.entity, { description: 'The row.' })
  ObjectType(edge.name, { description: `One ${table.name} of a list.`, simpleResolvers: true })(edge)
  const made = classNamed(`${table.name}Connection`)
  declareField(made, 'edges', () => [edge], { description: 'The rows with their cursors.' })
  declareField(made, 'nodes', () => [table.entity], { description: 'The rows.' })
  declareField(made, 'pageInfo', () => PageInfo, { description: 'Where the page lies.' })
  declareField(made, 'totalCount', () => Int, {
    description: 'How many rows the whole list has; counted only when asked for.',
  })
  ObjectType(made.name, { description: `A page of a list of ${table.name}.`, simpleResolvers: true })(made)
  connections.set(table, made)
  return made
}

/** The paths from a connection to its rows. */
export const ROW_PATHS = [['nodes'], ['edges', 'node']]

/** A page as `ModelConnection`. Cursors and the count are worked out when asked for. */
export function connectionOf(page: PageResult, totalCount: () => Promise<number>) {
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
    totalCount,
  }
}
