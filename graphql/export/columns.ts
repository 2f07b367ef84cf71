import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  isUnionType,
  Kind,
  type SelectionSetNode,
} from 'graphql'

/** One column of the export: its name, and the path to its value in a row. */
export interface Column {
  name: string
  path: string[]
}

export interface Scope {
  fragments: ReadonlyMap<string, FragmentDefinitionNode>
  variables: Record<string, unknown>
}

/** The columns of a selection on `type`, in order. Single objects are flattened (`datanet.licence`); a list, or an object of an abstract type,
 *  is one column. */
export function columnsOf(
  sets: readonly SelectionSetNode[],
  type: GraphQLCompositeType,
  scope: Scope,
  path: readonly string[] = [],
): Column[] {
  return [...fieldsOf(sets, scope)].flatMap(([key, nodes]) => {
    const [node] = nodes
    const here = [...path, key]
    const field = isUnionType(type) ? undefined : type.getFields()[node.name.value]
    const below = field && getNamedType(field.type)
    if (!below || !isObjectType(below) || isListType(getNullableType(field.type)) || isConnection(below))
      return [{ name: here.join('.'), path: here }]
    const deeper = nodes.flatMap((node) => node.selectionSet ?? [])
    return columnsOf(deeper, below, scope, here)
  })
}

export const isConnection = (type: { name: string }) => type.name.endsWith('Connection')

/** The nodes of one response key: at least one, more when the query selects the field several times. */
export type FieldNodes = [FieldNode, ...FieldNode[]]

/** The selected fields, by their key in the response. */
export function fieldsOf(
  sets: readonly SelectionSetNode[],
  scope: Scope,
  found = new Map<string, FieldNodes>(),
): Map<string, FieldNodes> {
  for (const { selections } of sets)
    for (const node of selections) {
      if (getDirectiveValues(GraphQLSkipDirective, node, scope.variables)?.if === true) continue
      if (getDirectiveValues(GraphQLIncludeDirective, node, scope.variables)?.if === false) continue
      if (node.kind === Kind.FIELD) {
        const key = (node.alias ?? node.name).value
        const before = found.get(key)
        found.set(key, before ? [...before, node] : [node])
      } else if (node.kind === Kind.INLINE_FRAGMENT) fieldsOf([node.selectionSet], scope, found)
      else {
        const fragment = scope.fragments.get(node.name.value)
        if (fragment) fieldsOf([fragment.selectionSet], scope, found)
      }
    }
  return found
}
