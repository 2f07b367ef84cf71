import type { GraphQLResolveInfo } from 'graphql'
import { FieldResolver, ID, Int, Query, Resolver } from 'type-graphql'
import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { Artifact } from '#schema/offchain/artifacts.ts'
import type { ApiContext } from '../context.ts'
import { naming, publicTables, type Relation, relationsOf } from '../publicTables.ts'
import { AS_OF_ARG, AS_OF_ARG_OFF_CHAIN, AsOfInput } from '../query/asOfInput.ts'
import { emptyPage, type LoadedRow, type PageArgs, pageRequest, ROW_AS_OF } from '../query/page.ts'
import { columnsBelow, cursorsBelow, fieldKeyOf, hasRows, oncePerField } from '../query/selection.ts'
import { storedId } from '../query/where.ts'
import { groupResolver } from './aggregates.ts'
import { declareConfidential } from './confidential.ts'
import { connectionFor, connectionOf, ROW_PATHS } from './connections.ts'
import { type ArgDeclaration, classNamed, declareDirect } from './declare.ts'
import { orderFor, whereFor } from './filters.ts'
import { nodeIdOf } from './node.ts'
import { wholeList } from './wholeList.ts'

interface Call {
  root: LoadedRow
  context: ApiContext
  info: GraphQLResolveInfo
}

/** Off-chain rows are not versioned, but those with a relation to a versioned table still take `asOf` for it. */
const asOfArgs = (table: TableDefinition): ArgDeclaration[] => {
  const asOf = { name: 'asOf', type: () => AsOfInput }
  if (table.versioned) return [{ ...asOf, ...AS_OF_ARG }]
  return relationsOf(table).some(({ target }) => target.versioned) ? [{ ...asOf, ...AS_OF_ARG_OFF_CHAIN }] : []
}

const pageArgs = (table: TableDefinition): ArgDeclaration[] => {
  const where = whereFor(table)
  const order = orderFor(table)
  return [
    { name: 'where', type: () => where, description: 'Which rows.' },
    {
      name: 'orderBy',
      type: () => [order],
      description: 'The order, by one or more fields; the id breaks ties.',
    },
    {
      name: 'first',
      type: () => Int,
      description: 'The number of rows from the start, or after the cursor: 20 when absent, at most 1,000.',
    },
    { name: 'after', type: () => String, description: 'Only rows after this cursor.' },
    { name: 'last', type: () => Int, description: 'The number of rows from the end, or before the cursor.' },
    { name: 'before', type: () => String, description: 'Only rows before this cursor.' },
  ]
}

/** A resolver class for each public entity: the query for one row, the list, and the fields of its relations. The query for one
 *  artifact is in `resolvers/artifacts.ts`, because it also reads the store. */
export function entityResolvers(): EntityClass[] {
  return publicTables.flatMap((table) => {
    const owner = classNamed(`${table.name}Resolver`)
    if (table.entity !== Artifact) declareOne(owner, table)
    declareList(owner, table)
    declareConfidential(owner, table)
    declareDirect(
      table.name,
      owner,
      'nodeId',
      FieldResolver(() => ID, { description: 'The global id.' }),
      [],
      (_, { root }: Call) => nodeIdOf(table, root.id),
    )
    for (const relation of relationsOf(table))
      relation.many ? declareMany(owner, table, relation) : declareOneBelow(owner, table, relation)
    Resolver(() => table.entity)(owner)
    return [owner, groupResolver(table)]
  })
}

function declareOne(owner: EntityClass, table: TableDefinition) {
  const { one, key } = naming(table)
  const args: ArgDeclaration[] = [
    { name: key, type: () => ID, nullable: false, description: table.id.description },
    ...asOfArgs(table),
  ]
  const kind = Query(() => table.entity, {
    nullable: true,
    description: `${table.description} Null when it does not exist.`,
  })
  declareDirect('Query', owner, one, kind, args, async (given, { context, info }: Call) => {
    const asOf = await context.reader.asOf(given.asOf)
    return context.reader.one(fieldKeyOf(info), table, asOf, columnsBelow(table, info), storedId(String(given[key])))
  })
}

function declareList(owner: EntityClass, table: TableDefinition) {
  const args = [...pageArgs(table), ...asOfArgs(table)]
  const connection = connectionFor(table)
  const kind = Query(() => connection, { description: `A list: ${table.description}` })
  declareDirect(
    'Query',
    owner,
    naming(table).many,
    kind,
    args,
    async (given: PageArgs & { asOf?: AsOfInput }, { context, info }: Call) => {
      const request = pageRequest(table, given, columnsBelow(table, info, ROW_PATHS), cursorsBelow(info))
      const asOf = await context.reader.asOf(given.asOf)
      const page = hasRows(info) ? await context.reader.page(request, asOf) : emptyPage(request)
      return connectionOf(page, wholeList(context.reader, { table, where: request.where, asOf }, fieldKeyOf(info)))
    },
  )
}

function declareOneBelow(owner: EntityClass, table: TableDefinition, { field, target, column }: Relation) {
  const kind = FieldResolver(() => target.entity, {
    nullable: true,
    description: `${column.description} Null when it did not exist at that point of the chain.`,
  })
  declareDirect(table.name, owner, field, kind, [], (_, { root, context, info }: Call) => {
    const id = root[column.property] as string | null
    if (id === null) return null
    const { fieldKey, columns } = oncePerField(info, () => ({
      fieldKey: fieldKeyOf(info),
      columns: columnsBelow(target, info),
    }))
    return context.reader.one(fieldKey, target, root[ROW_AS_OF], columns, id)
  })
}

function declareMany(owner: EntityClass, table: TableDefinition, { field, target, column }: Relation) {
  const connection = connectionFor(target)
  const kind = FieldResolver(() => connection, { description: `A list: ${target.description}` })
  const args = pageArgs(target)
  declareDirect(table.name, owner, field, kind, args, async (given: PageArgs, { root, context, info }: Call) => {
    const { fieldKey, request, isRead } = oncePerField(info, () => ({
      isRead: hasRows(info),
      fieldKey: fieldKeyOf(info),
      request: pageRequest(target, given, columnsBelow(target, info, ROW_PATHS), cursorsBelow(info)),
    }))
    const page = isRead
      ? await context.reader.pageBelow(fieldKey, request, root[ROW_AS_OF], column, root.id)
      : emptyPage(request)
    const list = { table: target, where: request.where, asOf: root[ROW_AS_OF] }
    return connectionOf(page, wholeList(context.reader, list, fieldKey, { column, parent: root.id }))
  })
}
