import { GraphQLJSONObject } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, FieldResolver, Int, ObjectType, Query, Resolver, Root } from 'type-graphql'
import { auditStateRoots, changesOf, rootAt } from '#schema/stateChanges.ts'
import { originRoot } from '#schema/stateRoot.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { listLength } from '../plugins/listLength.ts'
import type { Reader } from '../query/reader.ts'
import { Meta } from './nodes.ts'

const MAX_CHANGES = 20_000
const MAX_DIGESTS = 500
/** The cost of a query that reads all changes of many blocks. */
const FULL_READ_COST = 2_000

@ObjectType({ description: 'A row version that a block opened or ended.', simpleResolvers: true })
export class StateChange {
  @Field(() => String, { description: '`opened` or `ended`.' }) kind!: string
  @Field(() => String, { description: 'In which table of the database.' }) table!: string
  @Field(() => String, { description: 'The row’s id.' }) id!: string
  @Field(() => Int, { description: 'The block that opened this version.' }) fromBlock!: number
  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: 'The row’s values by column, with integers as decimal strings; null for an ended version.',
  })
  values!: Record<string, unknown> | null
}

@ObjectType({ description: 'A block’s digest, recomputed from the rows.', simpleResolvers: true })
export class StateDigest {
  @Field(() => Int, { description: 'The number of the block that made the changes.' }) block!: number
  @Field(() => String, { description: 'SHA-256 over the row versions that it opened and ended.' }) digest!: string
}

@ObjectType({ description: 'Digests of a range of blocks, recomputed from the rows.', simpleResolvers: true })
export class StateDigests {
  @Field(() => Int, { description: 'The last block of the range: continue from the next one.' }) to!: number
  @Extensions(listLength(() => MAX_DIGESTS))
  @Field(() => [StateDigest], { description: 'The digests of all blocks with changes.' })
  digests!: StateDigest[]
}

/** The state root as of a block: the root of the last block with changes. */
export async function stateRootOf(reader: Reader, block: number | null): Promise<string | null> {
  const head = await reader.head()
  if (!head || block === null) return null
  const stored = await rootAt(reader.sql, reader.chainId, block)
  return stored?.root ?? originRoot(reader.chainId, head.contracts)
}

@Resolver(() => Meta)
export class StateRootResolver {
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'The digest of everything that is indexed up to the block: two indexes with the same root have the same rows (`modelcommons verify index`). Null while nothing is indexed.',
  })
  stateRoot(@Root() { block }: Meta, @Ctx() { reader }: ApiContext) {
    return stateRootOf(reader, block)
  }

  @Query(() => [StateChange], {
    description: `The changes of one block: at most ${MAX_CHANGES} row versions.`,
    complexity: FULL_READ_COST,
  })
  @Extensions(listLength(() => MAX_CHANGES))
  async stateChanges(
    @Arg('block', () => Int, { description: 'The number of the block that made them.' }) block: number,
    @Ctx() { reader }: ApiContext,
  ): Promise<StateChange[]> {
    const stored = await reader.sql.query('select changes from state_root where id = $1 and from_block = $2', [
      String(reader.chainId),
      block,
    ])
    if (stored.rows[0]?.changes > MAX_CHANGES)
      throw new ApiError(
        'TOO_COMPLEX',
        `Block ${block} changed more than ${MAX_CHANGES} row versions. Read them from the database.`,
      )
    return (await changesOf(reader.sql, block, block)).get(block) ?? []
  }

  @Query(() => StateDigests, {
    description: 'Digests of up to 500 blocks with changes, recomputed from the rows.',
    complexity: FULL_READ_COST,
  })
  async stateDigests(
    @Arg('from', () => Int, { description: 'The first block.' }) from: number,
    @Arg('to', () => Int, { description: 'The last block.' }) to: number,
    @Ctx() { reader }: ApiContext,
  ): Promise<StateDigests> {
    for await (const range of auditStateRoots(reader.sql, reader.chainId, Math.max(0, from), to))
      return { to: range.to, digests: [...range.digests].map(([block, digest]) => ({ block, digest })) }
    return { to, digests: [] }
  }
}
