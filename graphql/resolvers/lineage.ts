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
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { NodeInterface } from '../derive/node.ts'
import { ApiError } from '../errors.ts'
import { listLength } from '../plugins/listLength.ts'
import { tableNamed } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { prepared } from '../query/prepared.ts'
import { fieldKeyOf } from '../query/selection.ts'
import { type LineageRow, lineageSql, MAX_EDGES } from './lineageSql.ts'
import { checkDepth, MAX_QUERY_DEPTH } from './versions.ts'

/** About ten relations lead to a version, each with at most `MAX_EDGES` edges. */
const MAX_LINEAGE_EDGES = 10 * MAX_EDGES

@ObjectType({ description: 'An entity or account in the lineage of a version.', simpleResolvers: true })
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
  description: 'Everything that led to a version, and the accounts that its revenue paid.',
  simpleResolvers: true,
})
export class LineageGraph {
  @Extensions(listLength(() => MAX_LINEAGE_EDGES))
  @Field(() => [LineageNode], { description: 'What led to the version, and whom its revenue paid.' })
  nodes!: LineageNode[]
  @Extensions(listLength(() => MAX_LINEAGE_EDGES))
  @Field(() => [LineageEdge], { description: 'What caused what.' })
  edges!: LineageEdge[]
  @Field(() => Boolean, {
    description: `Whether a relation has more than ${MAX_EDGES} edges; then the result has the largest ones.`,
  })
  truncated!: boolean
}

@Resolver(() => LineageNode)
export class LineageResolver {
  @Query(() => LineageGraph, {
    description:
      'The votes, data, runs, evaluations, feedback and parents that led to a version, and the accounts that its revenue paid. It is read in one statement.',
    complexity: 200,
  })
  async lineage(
    @Arg('versionId', () => ID, { description: 'The id of the version whose past is asked for.' }) versionId: string,
    @Arg('depth', () => Int, {
      nullable: true,
      description: `The number of generations of parents: ${MAX_DEPTH} when absent, at most ${MAX_QUERY_DEPTH}.`,
    })
    depth: number | undefined,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
  ): Promise<LineageGraph> {
    const levels = checkDepth(depth)
    const asOf = await reader.asOf(asOfInput)
    const { text, values } = lineageSql(asOf, versionId, levels)
    const rows: LineageRow[] = (await db.query(prepared(text, values))).rows
    if (rows.length === 0)
      throw new ApiError(
        'UNKNOWN_MODEL_VERSION',
        `There is no version ${versionId.slice(0, 80)}. Query \`modelVersions\`.`,
      )
    return assemble(rows, asOf)
  }

  @FieldResolver(() => NodeInterface, { nullable: true, description: 'The entity; null for an account.' })
  entity(@Root() node: LineageNode, @Ctx() { reader }: ApiContext, @Info() info: GraphQLResolveInfo) {
    const table = tableNamed(node.kind)
    return table ? reader.one(fieldKeyOf(info), table, node.asOf, table.columns, node.id) : null
  }
}

function assemble(rows: readonly LineageRow[], asOf: AsOf): LineageGraph {
  const nodes = new Map<string, LineageNode>()
  const edges: LineageEdge[] = []
  const counts = new Map<string, number>()
  const addNode = (kind: string, id: string, label: string | null) => {
    const key = `${kind}:${id}`
    const known = nodes.get(key)
    if (!known) nodes.set(key, { key, kind, id, label, asOf })
    else known.label ??= label
    return key
  }
  let truncated = false
  for (const row of rows) {
    const count = (counts.get(row.relation) ?? 0) + 1
    counts.set(row.relation, count)
    if (count > MAX_EDGES && row.relation !== 'self') {
      truncated = true
      continue
    }
    if (row.relation === 'data' && row.fromLabel === null) continue // a reorganisation has removed the contribution
    const to = addNode(row.toKind, row.toId, row.toLabel)
    if (row.fromKind && row.fromId)
      edges.push({
        from: addNode(row.fromKind, row.fromId, row.fromLabel),
        to,
        relation: row.relation,
        amount: row.amount,
      })
  }
  return { nodes: [...nodes.values()], edges, truncated }
}
