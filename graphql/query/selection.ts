import { type FieldNode, type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql'
import type { ColumnDefinition, TableDefinition } from '#schema/define.ts'
import { columnsBeside } from '../confidential.ts'
import { relationsOf } from '../publicTables.ts'

/** The fields that a query selects below a field, so that SQL reads no other columns. */

/** Computes `work` once for each field of the query, not for every row. It relies on graphql-js passing the same `fieldNodes` array to the
 *  resolvers of all rows. */
export function oncePerField<T>(info: GraphQLResolveInfo, work: () => T): T {
  let known = sites.get(info.fieldNodes)
  if (known === undefined) {
    known = work()
    sites.set(info.fieldNodes, known)
  }
  return known as T
}
const sites = new WeakMap<object, unknown>()

/** The fields selected below the field of `info`, along `path` (default: directly below it). It follows fragments and ignores `@skip` and
 *  `@include`, so the result may have a field too many but never one too few. */
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

/** The columns of `table` that the selected fields need: always the id, and all columns when a field is computed. */
export function columnsFor(table: TableDefinition, fields: Iterable<string>): ColumnDefinition[] {
  const needed = new Set([table.id])
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

/** The columns needed for the rows that the field of `info` returns, directly or along `paths`. */
export function columnsBelow(table: TableDefinition, info: GraphQLResolveInfo, paths: readonly string[][] = [[]]) {
  return columnsFor(
    table,
    paths.flatMap((path) => [...fieldsBelow(info, path)]),
  )
}

/** Whether the query selects cursors of the connection that the field of `info` returns. */
export function cursorsBelow(info: GraphQLResolveInfo): boolean {
  const fields = fieldsBelow(info)
  return fields.has('pageInfo') || fields.has('edges')
}

/** Whether the query selects more of the connection than what is told of the whole list. */
export function hasRows(info: GraphQLResolveInfo): boolean {
  return [...fieldsBelow(info)].some((field) => !WHOLE.has(field))
}
const WHOLE = new Set(['totalCount', 'aggregate', '__typename'])

/** A unique name of a field in the query. It is the same for all rows of a list, so that they share one loader. Two fields may have the same
 *  path below rows of different types, so the name depends on the field nodes, not on the path. */
export function fieldKeyOf(info: GraphQLResolveInfo): string {
  let name = names.get(info.fieldNodes)
  if (!name) {
    name = `${info.fieldName}${++named}`
    names.set(info.fieldNodes, name)
  }
  return name
}
const names = new WeakMap<object, string>()
let named = 0
