import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  type InlineFragmentNode,
  isCompositeType,
  isListType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
  visit,
} from 'graphql'
import { ApiError } from '../errors.ts'
import { DEFAULT_FIRST, requireSize } from '../query/page.ts'

/** What a query may ask of us. Its cost is about the number of objects it can return: a list counts as many as it asks for,
 *  times what each of them brings; a field may state its own cost. No statement of it runs longer than `statementMs`. */
export const LIMITS = {
  depth: 18,
  aliases: 50,
  cost: 50_000,
  tokens: 4_000,
  introspectionAliases: 5,
  statementMs: 10_000,
}

/** Lists that take no size and state no length are reckoned at this length. */
const UNSIZED = 20
/** A count reads the whole list. */
const COUNT = 10
const CEILING = Number.MAX_SAFE_INTEGER

interface Measure {
  depth: number
  cost: number
}

type Variables = Record<string, unknown>

/** Costs that were found, by operation: parsed documents are kept, so the same one comes again. `sizes` names the variables that they hang on. */
const known = new WeakMap<OperationDefinitionNode, { sizes: readonly string[]; costs: Map<string, number> }>()
const MAX_KNOWN = 100

/** The cost of an operation. @throws ApiError when it is too deep, has too many aliases, or costs too much. */
export function measure(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): number {
  const before = known.get(operation)
  const key = (sizes: readonly string[]) => JSON.stringify(sizes.map((name) => variables[name]))
  const found = before?.costs.get(key(before.sizes))
  if (found !== undefined) return found
  const { cost, sizes } = checkedCost(schema, document, operation, variables)
  const entry = before ?? { sizes, costs: new Map() }
  if (entry.costs.size < MAX_KNOWN) known.set(operation, entry).get(operation)!.costs.set(key(entry.sizes), cost)
  return cost
}

function checkedCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
) {
  const aliases = countAliases(document)
  if (aliases > LIMITS.aliases)
    throw new ApiError(
      'TOO_COMPLEX',
      `The query has ${aliases} aliases, more than ${LIMITS.aliases}. Use a list with where.id.in, or several queries.`,
    )
  if (aliases > LIMITS.introspectionAliases && asksOfTheSchema(document))
    throw new ApiError(
      'TOO_COMPLEX',
      `A query of the schema has at most ${LIMITS.introspectionAliases} aliases. Fetch it once by the usual introspection query.`,
    )
  const root = schema.getRootType(operation.operation)
  if (!root) return { cost: 0, sizes: [] }
  const reckoning = new CostEstimator(schema, document, withDefaults(operation, variables))
  const { depth, cost } = reckoning.set(operation.selectionSet, root, UNSIZED)
  if (depth > LIMITS.depth)
    throw new ApiError(
      'TOO_COMPLEX',
      `The query is ${depth} levels deep, more than ${LIMITS.depth}. Ask for the lower levels in a query of their own.`,
    )
  if (cost > LIMITS.cost)
    throw new ApiError(
      'TOO_COMPLEX',
      `The query may return ${cost} objects, more than ${LIMITS.cost}. Ask for smaller pages with \`first\`, or fewer levels.`,
    )
  return { cost, sizes: [...reckoning.sizes] }
}

/** The variables as execution will see them. */
function withDefaults(operation: OperationDefinitionNode, given: Variables): Variables {
  const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
  )
  return { ...Object.fromEntries(defaults), ...given }
}

function countAliases(document: DocumentNode): number {
  let count = 0
  visit(document, {
    Field(node) {
      if (node.alias) count++
    },
  })
  return count
}

/** Introspection is not reckoned: what it may ask for is bounded but for aliases, which multiply it. */
function asksOfTheSchema(document: DocumentNode): boolean {
  let asks = false
  visit(document, {
    Field(node) {
      if (node.name.value === '__schema' || node.name.value === '__type') asks = true
    },
  })
  return asks
}

class CostEstimator {
  private readonly fragments = new Map<string, FragmentDefinitionNode>()
  private readonly known = new Map<string, Measure>()
  /** The variables that sizes were taken from. */
  readonly sizes = new Set<string>()

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: Variables,
  ) {
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition)
  }

  /** `size`: how many rows the connection has in which the set stands. */
  set(set: SelectionSetNode, parent: GraphQLCompositeType, size: number): Measure {
    const sum: Measure = { depth: 0, cost: 0 }
    for (const selection of set.selections) {
      const part =
        selection.kind === Kind.FIELD
          ? this.field(selection, parent, size)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.set(selection.selectionSet, this.narrowed(selection, parent), size)
            : this.fragment(selection.name.value, parent, size)
      sum.depth = Math.max(sum.depth, part.depth)
      sum.cost = Math.min(CEILING, sum.cost + part.cost)
    }
    return sum
  }

  /** The type of what a fragment selects from. */
  private narrowed(
    { typeCondition }: FragmentDefinitionNode | InlineFragmentNode,
    parent: GraphQLCompositeType,
  ): GraphQLCompositeType {
    return typeCondition ? (this.schema.getType(typeCondition.name.value) as GraphQLCompositeType) : parent
  }

  /** A fragment is measured once for each size, however often it is spread. */
  private fragment(name: string, parent: GraphQLCompositeType, size: number): Measure {
    const key = `${name} ${parent.name} ${size}`
    const known = this.known.get(key)
    if (known) return known
    this.known.set(key, { depth: 0, cost: 0 })
    const definition = this.fragments.get(name)
    const measured = definition
      ? this.set(definition.selectionSet, this.narrowed(definition, parent), size)
      : { depth: 0, cost: 0 }
    this.known.set(key, measured)
    return measured
  }

  private field(node: FieldNode, parent: GraphQLCompositeType, size: number): Measure {
    const name = node.name.value
    const field = isUnionType(parent) ? undefined : parent.getFields()[name]
    if (!field) return { depth: name.startsWith('__') ? 0 : 1, cost: 0 }
    const type = getNamedType(field.type)
    const sizes = this.sizesOf(node)
    if (!isCompositeType(type)) return { depth: 1, cost: name === 'totalCount' ? COUNT : (stated(field) ?? 0) }
    const connection = type.name.endsWith('Connection')
    const below = node.selectionSet
      ? this.set(node.selectionSet, type, connection ? (sizes.first ?? sizes.last ?? DEFAULT_FIRST) : UNSIZED)
      : { depth: 0, cost: 0 }
    const length = lengthOf(field)?.(sizes) // of the list, or of those that the object holds
    const list = isListType(getNullableType(field.type))
    const rows = !list ? 1 : parent.name.endsWith('Connection') ? size : (length ?? this.idsOf(node) ?? UNSIZED)
    const each = parent.name.endsWith('Edge') ? below.cost : 1 + below.cost
    const held = list ? 0 : (length ?? 0)
    return { depth: 1 + below.depth, cost: Math.min(CEILING, (stated(field) ?? 0) + held + rows * each) }
  }

  /** The sizes that a field is given. @throws ApiError when one is larger than what is served. */
  private sizesOf(node: FieldNode): Sizes {
    const sizes: Sizes = {}
    for (const name of SIZES) {
      const size = this.argument(node, name)
      if (typeof size !== 'number' || size < 0) continue
      if (name !== 'depth') requireSize(name, size)
      sizes[name] = size
    }
    return sizes
  }

  private idsOf(node: FieldNode): number | undefined {
    const ids = this.argument(node, 'ids')
    return Array.isArray(ids) ? ids.length : undefined
  }

  private argument(node: FieldNode, name: string): unknown {
    const value = node.arguments?.find((argument) => argument.name.value === name)?.value
    if (value?.kind === Kind.INT) return Number(value.value)
    if (value?.kind === Kind.LIST) return value.values
    if (value?.kind !== Kind.VARIABLE) return undefined
    this.sizes.add(value.name.value)
    return this.variables[value.name.value]
  }
}

/** Arguments that say how many rows are wanted, or how far they are looked for. */
const SIZES = ['first', 'last', 'delegates', 'edges', 'depth'] as const
type Size = (typeof SIZES)[number]
type Sizes = Partial<Record<Size, number>>

/** Says of a field how long a list it gives, or how many rows the object that it gives holds: `@Extensions(holds(…))`. */
export const listLength = (length: (sizes: Sizes) => number) => ({ length })
/** As many rows as the argument says. */
export const listLengthFrom = (name: Size) => listLength((sizes) => sizes[name] ?? DEFAULT_FIRST)

// biome-ignore lint/suspicious/noExplicitAny: any field of the schema
const lengthOf = (field: GraphQLField<any, any>) => field.extensions.length as ((sizes: Sizes) => number) | undefined

// biome-ignore lint/suspicious/noExplicitAny: any field of the schema
function stated(field: GraphQLField<any, any>): number | undefined {
  const { complexity } = field.extensions
  return typeof complexity === 'number' ? complexity : undefined
}
