import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  valueFromASTUntyped,
  visit,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { ApiError } from '../errors.ts'
import { CostEstimator, type Variables } from './costEstimator.ts'
import { requireModestIntrospection } from './introspection.ts'
import { LIMITS } from './limits.ts'

/** Known costs by operation. Apollo Server caches parsed documents, so a repeated query has the same operation node. `sizes` names the
 *  variables that the cost depends on. */
const knownCosts = new WeakMap<OperationDefinitionNode, { sizes: readonly string[]; costs: LRUCache<string, number> }>()
const MAX_COSTS_PER_OPERATION = 100

/** The cost of an operation. @throws ApiError when it is too deep, has too many aliases, or costs too much. */
export function measure(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): number {
  const known = knownCosts.get(operation)
  const seen = withDefaults(operation, variables)
  // For execution, a variable that is null is another one than an absent one.
  const key = (sizes: readonly string[]) => JSON.stringify(sizes.map((name) => (name in seen ? [seen[name]] : [])))
  const knownCost = known?.costs.get(key(known.sizes))
  if (knownCost !== undefined) return knownCost
  const { cost, sizes } = checkedCost(schema, document, operation, seen)
  const entry = known ?? { sizes, costs: new LRUCache({ max: MAX_COSTS_PER_OPERATION }) }
  entry.costs.set(key(entry.sizes), cost)
  knownCosts.set(operation, entry)
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
  requireModestIntrospection(document, aliases)
  const root = schema.getRootType(operation.operation)
  if (!root) return { cost: 0, sizes: [] }
  const estimator = new CostEstimator(schema, document, variables)
  const { depth, cost } = estimator.estimate(operation.selectionSet, root)
  if (depth > LIMITS.depth)
    throw new ApiError(
      'TOO_COMPLEX',
      `The query is ${depth} levels deep, more than ${LIMITS.depth}. Request the lower levels in a separate query.`,
    )
  if (cost > LIMITS.cost)
    throw new ApiError(
      'TOO_COMPLEX',
      `The query may return ${cost} objects, more than ${LIMITS.cost}. Request smaller pages with \`first\`, or fewer levels.`,
    )
  return { cost, sizes: [...estimator.sizeVariables] }
}

/** The variables with the operation's default values, as execution will see them. */
function withDefaults(operation: OperationDefinitionNode, given: Variables): Variables {
  const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
  )
  return { ...Object.fromEntries(defaults), ...given }
}

function countAliases(document: DocumentNode): number {
  let count = 0
  visit(document, {
    [Kind.FIELD](node) {
      if (node.alias) count++
    },
  })
  return count
}
