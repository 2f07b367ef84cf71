import type { GraphQLResolveInfo } from 'graphql'
import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Arg, Ctx, Field, ID, Info, Int, ObjectType, Query, Resolver } from 'type-graphql'
import type { ApiContext } from '../context.ts'
import { NodeInterface, readNodeId } from '../derive/node.ts'
import { ApiError } from '../errors.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { fieldKeyOf } from '../query/selection.ts'
import { storedId } from '../query/where.ts'

@ObjectType({ description: 'The block as of which the result is given, and whether it is final.' })
export class Meta {
  @Field(() => Int, { description: 'The number of the chain, as in EIP-155.' }) chainId!: number
  @Field(() => Int, {
    nullable: true,
    description: 'The block as of which the result is given; null while nothing is indexed.',
  })
  block!: number | null
  @Field(() => String, { nullable: true, description: 'The block’s hash; null when its header is not stored.' }) hash!:
    | string
    | null
  @Field(() => GraphQLDateTimeISO, {
    nullable: true,
    description:
      'The time as of which the result is given. For a block whose header is not stored, because it has no followed events, it is interpolated from the headers before and after it.',
  })
  time!: Date | null
  @Field(() => Boolean, { description: 'Whether the block is final: then the result never changes.' })
  final!: boolean
  @Field(() => Int, { nullable: true, description: 'The newest final block.' }) finalBlock!: number | null
  @Field(() => Int, { nullable: true, description: 'The newest block that the node has announced.' })
  headBlock!: number | null
}

const MAX_NODES = 100

@Resolver()
export class NodeResolver {
  @Query(() => NodeInterface, {
    nullable: true,
    description: 'An entity by its global id; null when it does not exist.',
  })
  async node(
    @Arg('id', () => ID, { description: 'A `nodeId`.' }) id: string,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() context: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ) {
    return findByNodeId(id, asOfInput, context, info)
  }

  @Query(() => [NodeInterface], {
    nullable: 'items',
    description: `Up to ${MAX_NODES} entities by their global ids, in that order.`,
  })
  async nodes(
    @Arg('ids', () => [ID], { description: 'The `nodeId`s.' }) ids: string[],
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() context: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ) {
    if (ids.length > MAX_NODES) throw new ApiError('PAGE_TOO_LARGE', `nodes takes at most ${MAX_NODES} ids.`)
    return Promise.all(ids.map((id) => findByNodeId(id, asOfInput, context, info)))
  }

  @Query(() => Meta, { description: 'The block as of which this request is answered.' })
  async _meta(
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, chainHead }: ApiContext,
  ): Promise<Meta> {
    const [head, asOf] = await Promise.all([reader.head(), reader.asOf(asOfInput)])
    return {
      chainId: reader.chainId,
      ...asOf,
      final: head !== null && asOf.block !== null && asOf.block <= head.finalBlock,
      finalBlock: head?.finalBlock ?? null,
      headBlock: head && Math.max(head.headBlock, chainHead?.recent() ?? 0),
    }
  }
}

async function findByNodeId(
  nodeId: string,
  asOfInput: AsOfInput | undefined,
  { reader }: ApiContext,
  info: GraphQLResolveInfo,
) {
  const { table, id } = readNodeId(nodeId)
  return reader.one(fieldKeyOf(info), table, await reader.asOf(asOfInput), table.columns, storedId(id))
}
