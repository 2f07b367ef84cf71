import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  validate,
} from 'graphql'
import { ApiError } from '../errors.ts'
import { LIMITS } from '../plugins/limits.ts'
import { measure } from '../plugins/queryCost.ts'
import { type Column, columnsOf, type FieldNodes, fieldsOf, isConnection, type Scope } from './columns.ts'

/** An export request: a query with one connection, whose rows are exported. */
export interface ExportRequest {
  query: string
  variables: Record<string, unknown>
  operationName?: string
}

/** The query, prepared to run once for each batch of rows. */
export interface ExportPlan {
  /** The list's name in the query. */
  name: string
  document: DocumentNode
  operationName: string | undefined
  variables: Record<string, unknown>
  columns: Column[]
  /** The keys that lead to the connection in the response. */
  path: string[]
  /** The maximum number of rows; undefined: all rows. */
  limit: number | undefined
  /** Rows in a batch: as many as the cost limit of one query allows. */
  batch: number
}

const BATCHES = [1000, 500, 200, 100, 50, 20]

/** Checks and prepares an export.
 *  @throws ApiError or GraphQLError when the request is not a valid export, or one row costs too much. */
export function planExport(schema: GraphQLSchema, { query, variables, operationName }: ExportRequest): ExportPlan {
  const document = parse(query, { maxTokens: LIMITS.tokens })
  const [invalid] = validate(schema, document)
  if (invalid) throw invalid
  const operation = getOperationAST(document, operationName)
  if (operation?.operation !== 'query')
    throw badExport(
      operation ? 'Only queries can be exported.' : 'Name one operation of the document in operationName.',
    )
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
  if (!coerced.coerced) throw coerced.errors[0]
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  const scope: Scope = { fragments, variables: coerced.coerced }
  const found = findConnection(operation, schema, scope)
  const args = getArgumentValues(found.field, found.node, scope.variables)
  if ((args.last ?? args.before ?? null) !== null)
    throw badExport('An export reads forward only: leave out last and before, and reverse orderBy instead.')
  const limit = (args.first ?? undefined) as number | undefined
  if (limit !== undefined && limit < 0) throw new ApiError('BAD_PAGE', 'first must not be negative.')
  const rows = rowSelection(found.node, scope)
  const batchDocument = (batch: number): [DocumentNode, OperationDefinitionNode] => {
    const changed = { ...operation, selectionSet: wrap(found.above, connectionOfBatch(found.node, rows, batch)) }
    return [
      { ...document, definitions: document.definitions.map((one) => (one === operation ? changed : one)) },
      changed,
    ]
  }
  const [batch, made] = largestAffordable((size) => {
    const [made, changed] = batchDocument(size)
    measure(schema, made, changed, variables)
    return made
  })
  return {
    name: found.node.name.value,
    document: made,
    operationName,
    variables,
    columns: columnsOf(rows, found.rowType, scope),
    path: [...found.above, found.node].map(keyOf),
    limit,
    batch,
  }
}

/** The one connection of the query, and the fields above it. Each of these must be a single object. */
function findConnection(operation: OperationDefinitionNode, schema: GraphQLSchema, scope: Scope) {
  const above: FieldNode[] = []
  let type = schema.getQueryType()
  let sets: SelectionSetNode[] = [operation.selectionSet]
  while (type) {
    const [nodes, ...otherFields]: FieldNodes[] = [...fieldsOf(sets, scope).values()]
    const [node, ...otherNodes]: FieldNode[] = nodes ?? []
    if (!node?.selectionSet || otherFields.length > 0 || otherNodes.length > 0) throw badExport()
    const field: GraphQLField<unknown, unknown> | undefined = type.getFields()[node.name.value]
    const below = field && getNamedType(field.type)
    if (!field || !isObjectType(below) || isListType(getNullableType(field.type))) throw badExport()
    const rows = isConnection(below) ? below.getFields().nodes : undefined
    if (rows) return { above, node, field, rowType: getNamedType(rows.type) as GraphQLObjectType }
    above.push(node)
    type = below
    sets = [node.selectionSet]
  }
  throw badExport()
}

/** The selections on each row: below `nodes`, or below `edges { node }`. */
function rowSelection(connection: FieldNode, scope: Scope): SelectionSetNode[] {
  const below = (nodes: readonly FieldNode[], name: string) =>
    [
      ...fieldsOf(
        nodes.flatMap((node) => node.selectionSet ?? []),
        scope,
      ).values(),
    ]
      .flat()
      .filter((node) => node.name.value === name)
  const rows = [...below([connection], 'nodes'), ...below(below([connection], 'edges'), 'node')]
  if (rows.length === 0) throw badExport()
  return rows.flatMap((node) => node.selectionSet ?? [])
}

const name = (value: string) => ({ kind: Kind.NAME, value }) as const

/** The connection with only its rows, `batch` at a time. The reader, not a cursor argument, decides where a batch starts. */
const connectionOfBatch = (node: FieldNode, rows: readonly SelectionSetNode[], batch: number): FieldNode => ({
  ...node,
  arguments: [
    ...(node.arguments ?? []).filter((argument) => argument.name.value !== 'first'),
    { kind: Kind.ARGUMENT, name: name('first'), value: { kind: Kind.INT, value: String(batch) } },
  ],
  selectionSet: {
    kind: Kind.SELECTION_SET,
    selections: [
      {
        kind: Kind.FIELD,
        name: name('nodes'),
        selectionSet: { kind: Kind.SELECTION_SET, selections: rows.flatMap((set) => set.selections) },
      },
    ],
  },
})

/** The connection below the fields that lead to it. */
const wrap = (above: readonly FieldNode[], connection: FieldNode): SelectionSetNode => ({
  kind: Kind.SELECTION_SET,
  selections: [
    above.reduceRight<FieldNode>(
      (inner, node) => ({ ...node, selectionSet: { kind: Kind.SELECTION_SET, selections: [inner] } }),
      connection,
    ),
  ],
})

/** The largest batch whose cost is allowed. @throws ApiError when not even the smallest is. */
function largestAffordable<T>(attempt: (batch: number) => T): [batch: number, made: T] {
  let lastError: unknown
  for (const batch of BATCHES)
    try {
      return [batch, attempt(batch)]
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      lastError = error
    }
  throw lastError
}

const keyOf = (node: FieldNode) => (node.alias ?? node.name).value

const badExport = (
  message = 'An export is a query with one connection and the fields of its rows, such as { contributions { nodes { id status } } }.',
) => new GraphQLError(message, { extensions: { code: 'BAD_EXPORT' } })
