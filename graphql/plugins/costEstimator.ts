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
  type SelectionSetNode,
} from 'graphql'
import { DEFAULT_FIRST, requireSize } from '../query/page.ts'
import { SIZE_ARGUMENTS, type Sizes } from './listLength.ts'

/** Assumed length of a list without a size argument and without a declared length. */
const UNSIZED = 20
/** The cost of `totalCount`, which reads the whole list. */
const COUNT_COST = 10
const MAX_COST = Number.MAX_SAFE_INTEGER

interface Estimate {
  depth: number
  cost: number
}

export type Variables = Record<string, unknown>

/** A connection, or another page of a list: the lists in it are as long as the page. */
const isPage = (type: GraphQLCompositeType) => !isUnionType(type) && 'pageInfo' in type.getFields()

/** Estimates the depth and cost of a selection set from the schema, before execution. */
export class CostEstimator {
  private readonly fragments = new Map<string, FragmentDefinitionNode>()
  private readonly fragmentEstimates = new Map<string, Estimate>()
  /** The variables that set sizes. */
  readonly sizeVariables = new Set<string>()

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: Variables,
  ) {
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition)
  }

  /** `size` is the number of rows of the page that contains the selection set. */
  estimate(set: SelectionSetNode, parent: GraphQLCompositeType, size = UNSIZED): Estimate {
    const sum: Estimate = { depth: 0, cost: 0 }
    for (const selection of set.selections) {
      const part =
        selection.kind === Kind.FIELD
          ? this.field(selection, parent, size)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.estimate(selection.selectionSet, this.narrowed(selection, parent), size)
            : this.fragment(selection.name.value, parent, size)
      sum.depth = Math.max(sum.depth, part.depth)
      sum.cost = Math.min(MAX_COST, sum.cost + part.cost)
    }
    return sum
  }

  /** The type that a fragment selects from. */
  private narrowed(
    { typeCondition }: FragmentDefinitionNode | InlineFragmentNode,
    parent: GraphQLCompositeType,
  ): GraphQLCompositeType {
    return typeCondition ? (this.schema.getType(typeCondition.name.value) as GraphQLCompositeType) : parent
  }

  /** A fragment is estimated once for each parent type and size, however often it is spread. */
  private fragment(name: string, parent: GraphQLCompositeType, size: number): Estimate {
    const key = `${name} ${parent.name} ${size}`
    const known = this.fragmentEstimates.get(key)
    if (known) return known
    this.fragmentEstimates.set(key, { depth: 0, cost: 0 })
    const definition = this.fragments.get(name)
    const estimated = definition
      ? this.estimate(definition.selectionSet, this.narrowed(definition, parent), size)
      : { depth: 0, cost: 0 }
    this.fragmentEstimates.set(key, estimated)
    return estimated
  }

  private field(node: FieldNode, parent: GraphQLCompositeType, size: number): Estimate {
    const name = node.name.value
    const field = isUnionType(parent) ? undefined : parent.getFields()[name]
    if (!field) return { depth: name.startsWith('__') ? 0 : 1, cost: 0 }
    const type = getNamedType(field.type)
    const sizes = this.sizesOf(node)
    if (!isCompositeType(type))
      return { depth: 1, cost: name === 'totalCount' ? COUNT_COST : (complexityOf(field) ?? 0) }
    const page = isPage(type)
    const length = lengthOf(field)?.(sizes) // of the list, or of the rows inside the object
    const below = node.selectionSet
      ? this.estimate(node.selectionSet, type, page ? (length ?? sizes.first ?? sizes.last ?? DEFAULT_FIRST) : UNSIZED)
      : { depth: 0, cost: 0 }
    const list = isListType(getNullableType(field.type))
    const rows = !list ? 1 : isPage(parent) ? size : (length ?? this.idsOf(node) ?? UNSIZED)
    const each = parent.name.endsWith('Edge') ? below.cost : 1 + below.cost
    const contained = list || page ? 0 : (length ?? 0)
    return { depth: 1 + below.depth, cost: Math.min(MAX_COST, (complexityOf(field) ?? 0) + contained + rows * each) }
  }

  /** The size arguments of a field. @throws ApiError when one exceeds the largest page. */
  private sizesOf(node: FieldNode): Sizes {
    const sizes: Sizes = {}
    for (const name of SIZE_ARGUMENTS) {
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
    this.sizeVariables.add(value.name.value)
    return this.variables[value.name.value]
  }
}

type SchemaField = GraphQLField<unknown, unknown>

const lengthOf = (field: SchemaField) => field.extensions.length as ((sizes: Sizes) => number) | undefined

function complexityOf(field: SchemaField): number | undefined {
  const { complexity } = field.extensions
  return typeof complexity === 'number' ? complexity : undefined
}
