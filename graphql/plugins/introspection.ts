import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql'
import { ApiError } from '../errors.ts'
import { LIMITS } from './limits.ts'

/** What leads from a type, a field or an argument to another type. */
const REFERENCES = new Set(['type', 'ofType', 'interfaces', 'possibleTypes'])
/** What lists the members of a type. */
const MEMBERS = new Set(['fields', 'inputFields', 'enumValues', 'interfaces', 'possibleTypes'])

/** Introspection has no cost by the schema. It may list every type with its members, as the standard query does, and of the types of members their names
 *  alone: members of members multiply to millions of objects.
 *  @throws ApiError when a document asks for more, or repeats it under many aliases. */
export function requireModestIntrospection(document: DocumentNode, aliases: number): void {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  const seen = new Set<string>()
  let isIntrospection = false
  const visit = (set: SelectionSetNode, place: 'data' | 'type' | 'reference'): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const name = selection.name.value
        const key = `${name} ${place}`
        const fragment = fragments.get(name)
        if (!fragment || seen.has(key)) continue
        seen.add(key)
        visit(fragment.selectionSet, place)
        continue
      }
      if (!selection.selectionSet) continue
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        visit(selection.selectionSet, place)
        continue
      }
      const name = selection.name.value
      if (place === 'data') {
        const begins = name === '__schema' || name === '__type'
        isIntrospection ||= begins
        visit(selection.selectionSet, begins ? 'type' : 'data')
        continue
      }
      if (place === 'reference' && MEMBERS.has(name))
        throw new ApiError(
          'TOO_COMPLEX',
          `An introspection query may not ask for \`${name}\` of the type of a member. Use the standard introspection query, or \`__type(name: …)\` for one more type.`,
        )
      visit(selection.selectionSet, place === 'reference' || REFERENCES.has(name) ? 'reference' : 'type')
    }
  }
  for (const definition of document.definitions)
    if (definition.kind === Kind.OPERATION_DEFINITION) visit(definition.selectionSet, 'data')
  if (isIntrospection && aliases > LIMITS.introspectionAliases)
    throw new ApiError(
      'TOO_COMPLEX',
      `An introspection query has at most ${LIMITS.introspectionAliases} aliases. Use the standard introspection query.`,
    )
}
