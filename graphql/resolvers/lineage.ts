import type { GraphQLResolveInfo } from 'graphql'
import {
  Arg,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  ID,
  Info,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql'
import { MAX_DEPTH } from '#rules/lineage.ts'
import { declareEnum } from '#schema/declareEnum.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { PageInfo } from '../derive/connections.ts'
import { NodeInterface } from '../derive/node.ts'
import { ApiError } from '../errors.ts'
import { listLength } from '../plugins/listLength.ts'
import { tableNamed } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { MAX_FIRST } from '../query/page.ts'
import { prepared } from '../query/prepared.ts'
import { fieldKeyOf } from '../query/selection.ts'
import { requireAddress } from '../requireAddress.ts'
import { requestedSize } from './governance/snapshot.ts'
import { lineageCursor, readLineageCursor } from './lineageCursor.ts'
import { LINEAGE_ENTITIES, type LineageDirection, type LineageKind, type RelationName } from './lineageRelations.ts'
import { type LineageRequest, type LineageRow, lineageSql } from './lineageSql.ts'
import { checkDepth, MAX_QUERY_DEPTH } from './versions.ts'

/** The number of edges of a page when `first` is absent. */
const DEFAULT_EDGES = 500

const Directions = declareEnum<LineageDirection>(
  'LineageDirection',
  'Which way a lineage is followed from its start.',
  {
    record: 'Everything that led to the start, and the evaluations, endpoints and revenue of each of these versions.',
    causes: 'Everything that led to the start.',
    effects: 'Everything that came of the start: versions, their evaluations, endpoints and the accounts paid.',
  },
)

@ObjectType({ description: 'An entity or account in a lineage.', simpleResolvers: true })
export class LineageNode {
  @Field(() => ID, { description: '`kind:id`, as used by the edges.' }) key!: string
  @Field(() => String, { description: 'The entity’s name, or Account.' }) kind!: string
  @Field(() => ID, { description: 'Its id among the rows of its kind; of an account, the address.' }) id!: string
  @Field(() => String, { nullable: true, description: 'A short label.' }) label!: string | null
  asOf!: AsOf
}

@ObjectType({ description: 'One cause and its effect.', simpleResolvers: true })
export class LineageEdge {
  @Field(() => ID, { description: 'The cause, as `kind:id`.' }) from!: string
  @Field(() => ID, { description: 'The effect, as `kind:id`.' }) to!: string
  @Field(() => String, {
    description:
      'The kind of relation: vote, proposal, model, parent, data, run, feedback, evaluation, endpoint, revenue.',
  })
  relation!: string
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'The amount: power of a vote, weight of data in ppm, revenue in wei.',
  })
  amount!: bigint | null
}

@ObjectType('Lineage', {
  description: 'A page of a lineage: edges, and the nodes at their ends. All pages together are the whole graph.',
  simpleResolvers: true,
})
export class LineageGraph {
  @Field(() => [LineageNode], {
    description: 'The start, and the ends of the edges of this page. A node may be on several pages.',
  })
  nodes!: LineageNode[]
  @Field(() => [LineageEdge], {
    description:
      'What caused what, by relation, and within one relation by amount, the largest first. Each edge is on one page.',
  })
  edges!: LineageEdge[]
  @Field(() => PageInfo, { description: 'The position of the page among all edges.' })
  pageInfo!: PageInfo
  @Field(() => Boolean, {
    description: 'Whether more edges follow.',
    deprecationReason: 'Use `pageInfo { hasNextPage endCursor }`, and ask for the next page.',
  })
  truncated!: boolean
}

@Resolver(() => LineageNode)
export class LineageResolver {
  @Query(() => LineageGraph, {
    description:
      'What led to a version or any other node, or what came of it: votes, proposals, models, parents, data, runs, feedback, evaluations, endpoints, and the accounts that the revenue paid. A page is read in one statement.',
    complexity: 200,
  })
  @Extensions(listLength(({ first = DEFAULT_EDGES }) => 2 * first + 1))
  async lineage(
    @Arg('versionId', () => ID, { nullable: true, description: 'The id of the version that is the start.' })
    versionId: string | undefined,
    @Arg('of', () => ID, {
      nullable: true,
      description: 'Instead of `versionId`: the `key` of any node, such as `Contribution:7` or `Account:0x…`.',
    })
    of: string | undefined,
    @Arg('direction', () => Directions, { nullable: true, description: 'Which way to go; `record` when absent.' })
    direction: LineageDirection | undefined,
    @Arg('depth', () => Int, {
      nullable: true,
      description: `The number of generations of versions: ${MAX_DEPTH} when absent, at most ${MAX_QUERY_DEPTH}.`,
    })
    depth: number | undefined,
    @Arg('first', () => Int, {
      nullable: true,
      description: `The number of edges: ${DEFAULT_EDGES} when absent, at most ${MAX_FIRST}.`,
    })
    first: number | undefined,
    @Arg('after', () => String, { nullable: true, description: 'Only edges after this cursor.' })
    after: string | undefined,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
  ): Promise<LineageGraph> {
    const start = startOf(versionId, of)
    const walk = { ...start, direction: direction ?? 'record', depth: checkDepth(depth) }
    const size = requestedSize('first', first ?? DEFAULT_EDGES)
    const position = after ? readLineageCursor(signatureOf(walk), after) : undefined
    const asOf = await reader.asOf(asOfInput)
    const { text, values } = lineageSql(asOf, { ...walk, size, after: position })
    // A first page of the usual size has one of few texts, so that its plan is kept.
    const isUsual = size === DEFAULT_EDGES && !position
    const [self, ...rows]: LineageRow[] = (await db.query(isUsual ? prepared(text, values) : { text, values })).rows
    if (!self) throw unknownStart(start)
    const page = rows.slice(0, size)
    const cursor = (row: LineageRow | undefined) => (row ? cursorOf(walk, row) : null)
    const hasNextPage = rows.length > size
    return {
      ...assemble(self, page, asOf),
      pageInfo: {
        ...{ hasNextPage, hasPreviousPage: position !== undefined },
        ...{ startCursor: cursor(page[0]), endCursor: cursor(page.at(-1)) },
      },
      truncated: hasNextPage,
    }
  }

  @FieldResolver(() => NodeInterface, { nullable: true, description: 'The entity; null for an account.' })
  entity(@Root() node: LineageNode, @Ctx() { reader }: ApiContext, @Info() info: GraphQLResolveInfo) {
    const table = tableNamed(node.kind)
    return table ? reader.one(fieldKeyOf(info), table, node.asOf, table.columns, node.id) : null
  }
}

type Start = Pick<LineageRequest, 'kind' | 'id'>

function startOf(versionId: string | undefined, of: string | undefined): Start {
  if ((versionId ?? null) !== null && (of ?? null) === null) return { kind: 'ModelVersion', id: String(versionId) }
  const [, kind = '', id = ''] = (versionId ?? null) === null ? (/^(\w+):([^\0]{1,400})$/s.exec(of ?? '') ?? []) : []
  if (!isKind(kind))
    throw new ApiError(
      'BAD_INPUT',
      `lineage takes either versionId or of, which is a node’s key: one of ${KINDS.join(', ')}, a colon and its id.`,
    )
  return { kind, id: kind === 'Account' ? requireAddress('of', id) : id }
}

const KINDS: readonly string[] = [...Object.keys(LINEAGE_ENTITIES), 'Account']
const isKind = (text: string): text is LineageKind => KINDS.includes(text)

const unknownStart = ({ kind, id }: Start) =>
  kind === 'ModelVersion'
    ? new ApiError('UNKNOWN_MODEL_VERSION', `There is no version ${id.slice(0, 80)}. Query \`modelVersions\`.`)
    : new ApiError('UNKNOWN_NODE', `There is no ${kind} ${id.slice(0, 80)} in any lineage. Take the key of a node.`)

const signatureOf = ({ kind, id, direction, depth }: Omit<LineageRequest, 'size' | 'after'>) =>
  `Lineage:${direction}:${depth}:${kind}:${id}`

const cursorOf = (walk: Omit<LineageRequest, 'size' | 'after'>, { relation, amount, fromId, toId }: LineageRow) =>
  lineageCursor(signatureOf(walk), {
    relation: relation as RelationName,
    amount: amount === null ? null : String(amount),
    fromId: String(fromId),
    toId,
  })

function assemble(self: LineageRow, rows: readonly LineageRow[], asOf: AsOf): Pick<LineageGraph, 'nodes' | 'edges'> {
  const nodes = new Map<string, LineageNode>()
  const edges: LineageEdge[] = []
  const addNode = (kind: string, id: string, label: string | null) => {
    const key = `${kind}:${id}`
    const known = nodes.get(key)
    if (!known) nodes.set(key, { key, kind, id, label, asOf })
    else known.label ??= label
    return key
  }
  addNode(self.toKind, self.toId, self.toLabel)
  for (const { relation, amount, ...row } of rows) {
    if (relation === 'data' && row.fromLabel === null) continue // a reorganisation has removed the contribution
    const to = addNode(row.toKind, row.toId, row.toLabel)
    edges.push({ from: addNode(String(row.fromKind), String(row.fromId), row.fromLabel), to, relation, amount })
  }
  return { nodes: [...nodes.values()], edges }
}
