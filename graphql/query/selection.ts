import { type FieldNode, type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql'
import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { columnsBeside } from '../confidential.ts'
import { relationsOf } from '../publicTables.ts'

/** What a query asks for below a field, so that SQL fetches no more. */

/** What follows from a place of the query alone: worked out once a request, not for every row. graphql-js hands the resolvers of all rows of
 *  one place the same array of field nodes. */
export function oncePerSite<T>(info: GraphQLResolveInfo, work: () => T): T {
  let known = sites.get(info.fieldNodes)
  if (known === undefined) {
    known = work()
    sites.set(info.fieldNodes, known)
  }
  return known as T
}
const sites = new WeakMap<object, unknown>()

/** The fields selected under the field of `info`, along `path` (none: directly below it). Fragments are looked into; directives that
 *  skip are ignored, so the answer may name a field too many, never one too few. */
export function fieldsBelow(info: GraphQLResolveInfo, path: readonly string[] = []): Set<string> {
  let sets = info.fieldNodes.flatMap((node) => node.selectionSet ?? [])
  for (const name of path)
    sets = sets.flatMap((set) =>
      fieldsOf(info, set)
        .filter((node) => node.name.value === name)
        .flatMap((node) => node.selectionSet ?? []),
    )
  return new Set(sets.flatMap((set) => fieldsOf(info, set).map((node) => node.name.value)))
}

function fieldsOf(info: GraphQLResolveInfo, set: SelectionSetNode, seen = new Set<string>()): FieldNode[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection]
    if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsOf(info, selection.selectionSet, seen)
    const name = selection.name.value
    if (seen.has(name)) return []
    const fragment = info.fragments[name]
    return fragment ? fieldsOf(info, fragment.selectionSet, new Set(seen).add(name)) : []
  })
}

/** The columns of `table` that the selected fields need: the id always, everything when a field is computed. */
export function columnsFor(table: TableDefinition, fields: Iterable<string>): ColumnDefinition[] {
  const needed = new Set<ColumnDefinition>([table.columns[0]!])
  const relations = relationsOf(table)
  const wanted = [...fields]
  for (const field of [...wanted, ...wanted.flatMap((one) => columnsBeside(table, one))]) {
    if (field === 'nodeId' || field === '__typename') continue
    const column = table.columns.find((one) => one.property === field)
    const relation = relations.find((one) => one.field === field)
    if (column) needed.add(column)
    else if (relation && !relation.many) needed.add(relation.column)
    else if (!relation) return table.columns
  }
  return table.columns.filter((column) => needed.has(column))
}

/** The columns asked for of the rows that the field of `info` returns, directly or along `paths`. */
export function columnsBelow(table: TableDefinition, info: GraphQLResolveInfo, paths: readonly string[][] = [[]]) {
  return columnsFor(
    table,
    paths.flatMap((path) => [...fieldsBelow(info, path)]),
  )
}

/** Whether the cursors of the connection that the field of `info` returns are asked for. */
export function cursorsBelow(info: GraphQLResolveInfo): boolean {
  const fields = fieldsBelow(info)
  return fields.has('pageInfo') || fields.has('edges')
}

/** Names the place of a field in the query: the same for every row of a list, so that what they ask for is asked for at once. Two places may
 *  have the same path, below rows of different types: their field nodes are what tells them apart. */
export function siteOf(info: GraphQLResolveInfo): string {
  let name = names.get(info.fieldNodes)
  if (!name) {
    name = `${info.fieldName}${++named}`
    names.set(info.fieldNodes, name)
  }
  return name
}
const names = new WeakMap<object, string>()
let named = 0
