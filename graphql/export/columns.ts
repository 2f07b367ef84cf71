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

/** One column of a table: its name, and where its value stands in a row. */
export interface Column {
  name: string
  path: string[]
}

export interface Scope {
  fragments: ReadonlyMap<string, FragmentDefinitionNode>
  variables: Record<string, unknown>
}

/** The columns that a selection on `type` gives, in its order. Single objects are laid flat (`datanet.licence`); a list, or an object whose
 *  type the data decide, is one column. */
export function columnsOf(
  sets: readonly SelectionSetNode[],
  type: GraphQLCompositeType,
  scope: Scope,
  path: readonly string[] = [],
): Column[] {
  return [...fieldsOf(sets, scope)].flatMap(([key, nodes]) => {
    const here = [...path, key]
    const field = isUnionType(type) ? undefined : type.getFields()[nodes[0]!.name.value]
    const below = field && getNamedType(field.type)
    if (!below || !isObjectType(below) || isListType(getNullableType(field.type)) || isConnection(below))
      return [{ name: here.join('.'), path: here }]
    const deeper = nodes.flatMap((node) => node.selectionSet ?? [])
    return columnsOf(deeper, below, scope, here)
  })
}

export const isConnection = (type: { name: string }) => type.name.endsWith('Connection')

/** The fields selected, by the key that they have in the answer. */
export function fieldsOf(
  sets: readonly SelectionSetNode[],
  scope: Scope,
  found = new Map<string, FieldNode[]>(),
): Map<string, FieldNode[]> {
  for (const { selections } of sets)
    for (const node of selections) {
      if (getDirectiveValues(GraphQLSkipDirective, node, scope.variables)?.if === true) continue
      if (getDirectiveValues(GraphQLIncludeDirective, node, scope.variables)?.if === false) continue
      if (node.kind === Kind.FIELD) {
        const key = (node.alias ?? node.name).value
        found.set(key, [...(found.get(key) ?? []), node])
      } else if (node.kind === Kind.INLINE_FRAGMENT) fieldsOf([node.selectionSet], scope, found)
      else {
        const fragment = scope.fragments.get(node.name.value)
        if (fragment) fieldsOf([fragment.selectionSet], scope, found)
      }
    }
  return found
}
