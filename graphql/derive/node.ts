import { Field, getMetadataStorage, ID, InterfaceType } from 'type-graphql'
import type { TableDefinition } from '#schema/define.ts'
import { ApiError } from '../errors.ts'
import { publicTables, tableNamed } from '../publicTables.ts'
import { type LoadedRow, ROW_TABLE } from '../query/page.ts'

/** Any entity: it can be queried by its global id, whatever its table. */
@InterfaceType('Node', {
  description: 'Any entity with a global id.',
  resolveType: (row: LoadedRow) => row[ROW_TABLE].name,
})
export abstract class NodeInterface {
  @Field(() => ID, { description: 'The id that is unique among all entities; `id` is unique only within its type.' })
  nodeId!: string
}

/** Makes every public entity a `Node`, read without a resolver per column. */
export function declareNodes(): void {
  const storage = getMetadataStorage()
  for (const type of storage.objectTypes) {
    if (publicTables.some((table) => table.entity === type.target)) type.interfaceClasses = [NodeInterface]
    type.simpleResolvers = true
  }
}

export const nodeIdOf = (table: TableDefinition, id: string) => Buffer.from(`${table.name}:${id}`).toString('base64url')

/** @throws ApiError when the text is not a node id. */
export function readNodeId(nodeId: string): { table: TableDefinition; id: string } {
  const [, name, id] =
    /^(\w+):([^\0]{1,400})$/s.exec(Buffer.from(nodeId.slice(0, 1000), 'base64url').toString('utf8')) ?? []
  const table = name ? tableNamed(name) : undefined
  if (!table || !id)
    throw new ApiError('BAD_NODE_ID', 'The node id cannot be read. Pass a nodeId that this API returned, unchanged.')
  return { table, id }
}
