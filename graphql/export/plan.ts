import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
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
import { LIMITS, measure } from '../plugins/limits.ts'
import { type Column, columnsOf, fieldsOf, isConnection, type Scope } from './columns.ts'

/** What a client asks to export: a query with one connection, whose rows are wanted. */
export interface ExportRequest {
  query: string
  variables: Record<string, unknown>
  operationName?: string
}

/** The same query made ready to be run once for every batch of rows. */
export interface ExportPlan {
  /** The list's name in the query. */
  name: string
  document: DocumentNode
  operationName: string | undefined
  variables: Record<string, unknown>
  columns: Column[]
  /** The keys that lead to the connection in the answer. */
  path: string[]
  /** The most rows wanted; undefined: all. */
  limit: number | undefined
  /** Rows a batch: as many as the cost of one query allows. */
  batch: number
}

const BATCHES = [1000, 500, 200, 100, 50, 20]

/** @throws ApiError, or a GraphQLError as a query would give, when the request is no export, or a row asks too much. */
export function planExport(schema: GraphQLSchema, { query, variables, operationName }: ExportRequest): ExportPlan {
  const document = parse(query, { maxTokens: LIMITS.tokens })
  const [fault] = validate(schema, document)
  if (fault) throw fault
  const operation = getOperationAST(document, operationName)
  if (operation?.operation !== 'query')
    throw notOne(operation ? 'Only queries can be exported.' : 'Name one operation of the document in operationName.')
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
  if (coerced.errors) throw coerced.errors[0]!
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  const scope: Scope = { fragments, variables: coerced.coerced }
  const found = findConnection(operation, schema, scope)
  const args = getArgumentValues(found.field, found.node, scope.variables)
  if ((args.last ?? args.before ?? null) !== null)
    throw notOne('An export goes forward: leave out last and before, and turn orderBy round instead.')
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
  const [batch, made] = fitting((size) => {
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

/** The one connection of the query, and the fields above it, each of which is a single object. */
function findConnection(operation: OperationDefinitionNode, schema: GraphQLSchema, scope: Scope) {
  const above: FieldNode[] = []
  let type: GraphQLObjectType = schema.getQueryType()!
  let sets: SelectionSetNode[] = [operation.selectionSet]
  for (;;) {
    const fields = [...fieldsOf(sets, scope).values()]
    const nodes = fields[0]
    if (fields.length !== 1 || nodes!.length !== 1) throw notOne()
    const node = nodes![0]!
    const field = type.getFields()[node.name.value]
    const below = field && getNamedType(field.type)
    if (!field || !isObjectType(below) || isListType(getNullableType(field.type))) throw notOne()
    if (isConnection(below)) {
      const rowType = getNamedType(below.getFields().nodes!.type) as GraphQLObjectType
      return { above, node, field, rowType }
    }
    above.push(node)
    type = below
    sets = [node.selectionSet!]
  }
}

/** What is selected of each row: below `nodes`, or `edges { node }`. */
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
  if (rows.length === 0) throw notOne()
  return rows.map((node) => node.selectionSet!)
}

const name = (value: string) => ({ kind: Kind.NAME, value }) as const

/** The connection with its rows alone, `batch` at a time; where it goes on is the reader's business. */
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

/** The greatest batch whose cost is allowed. @throws ApiError when not even the smallest is. */
function fitting<T>(attempt: (batch: number) => T): [batch: number, made: T] {
  let refusal: unknown
  for (const batch of BATCHES)
    try {
      return [batch, attempt(batch)]
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      refusal = error
    }
  throw refusal
}

const keyOf = (node: FieldNode) => (node.alias ?? node.name).value

const notOne = (
  message = 'An export is a query with one connection and what is wanted of its rows: { contributions { nodes { id status } } }.',
) => new GraphQLError(message, { extensions: { code: 'BAD_EXPORT' } })
