import type { GraphQLResolveInfo } from 'graphql'
import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { Governor, Holder } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { listLength, listLengthFrom } from '../../plugins/listLength.ts'
import { tableFor } from '../../publicTables.ts'
import { DEFAULT_FIRST, type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import type { Statement } from '../../query/statement.ts'
import { requestedSize } from './snapshot.ts'

@ObjectType({
  description: 'The balance, delegate and voting power of an account from a block on.',
  simpleResolvers: true,
})
export class PowerPoint {
  @Field(() => Int, { description: 'From the end of this block on.' }) block!: number
  @Field(() => GraphQLDateTimeISO, { nullable: true, description: 'The block’s time.' }) time!: Date | null
  @Field(() => BigIntScalar, { description: 'Voting power, own and delegated.' }) votes!: bigint
  @Field(() => BigIntScalar, { description: 'Tokens held.' }) balance!: bigint
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Tokens locked to vote; null where the whole balance votes.',
  })
  locked!: bigint | null
  @Field(() => String, { nullable: true, description: 'The account that votes with them; null when there is none.' })
  delegate!: string | null
}

@ObjectType({ description: 'An account with voting power of its own or from others.', simpleResolvers: true })
export class Delegate {
  @Field(() => String, { description: 'Who votes, in lower case.' }) account!: string
  @Field(() => BigIntScalar, { description: 'Its voting power.' }) votes!: bigint
  @Field(() => BigIntScalar, {
    description:
      'Of this, its own tokens: its balance (or what it locked, where votes need a lock) when it delegates to itself, otherwise 0.',
  })
  own!: bigint
  @Field(() => BigIntScalar, { description: 'Of this, the tokens of others that delegate to it.' }) received!: bigint
  @Field(() => Int, { description: 'The number of other accounts that hold tokens and delegate to it.' })
  delegators!: number
}

@ObjectType({ description: 'A delegation with its amount.', simpleResolvers: true })
export class DelegationEdge {
  @Field(() => String, { description: 'The account that holds the tokens.' }) delegator!: string
  @Field(() => String, { description: 'The account that votes with them.' }) delegate!: string
  @Field(() => BigIntScalar, {
    description:
      'The tokens of the delegator: always the whole balance, or all that is locked where votes need a lock.',
  })
  amount!: bigint
}

@ObjectType({
  description:
    'The delegations in force. An account that delegates to itself has an edge to itself; an account without tokens has none. Delegating again to the same account changes nothing; of several changes in one block only the last one counts.',
  simpleResolvers: true,
})
export class DelegationGraph {
  @Field(() => [Delegate], { description: 'The accounts with most votes, largest first.' }) delegates!: Delegate[]
  @Field(() => [DelegationEdge], { description: 'The largest delegations to these, largest first.' })
  edges!: DelegationEdge[]
  @Field(() => BigIntScalar, { description: 'Tokens that could vote, of accounts without a delegate.' })
  undelegated!: bigint
  @Field(() => BigIntScalar, {
    description: 'Tokens that can vote, of accounts with a delegate, which may be themselves.',
  })
  delegated!: bigint
}

@Resolver(() => Holder)
export class PowerHistoryResolver {
  @FieldResolver(() => [PowerPoint], {
    description:
      'The history up to this point in the chain, newest first: one item for every block that changed votes, balance, locked tokens or delegate. A change that is undone in the same block, or a delegation to the present delegate, gives no item.',
    complexity: 20,
  })
  @Extensions(listLengthFrom('first'))
  async powerHistory(
    @Root() row: LoadedRow & Holder,
    @Arg('first', () => Int, { nullable: true, description: 'The number of items: 20 when absent, at most 1,000.' })
    first: number | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<PowerPoint[]> {
    const size = requestedSize('first', first)
    const asOf = row[ROW_AS_OF]
    const found = await reader.forField<PowerPoint[]>(info, asOf, row.id, async (ids, statement) => {
      const text = `select point.* from unnest(${statement.bind(ids, 'text[]')}) asked(id) cross join lateral (
          select h.id, h.from_block as block, (select b.timestamp from block b where b.number = h.from_block) as time, h.votes, h.balance, h.locked, h.delegate
          from (select *, lag((votes, balance, locked, delegate)) over (order by from_block) as before, row_number() over (order by from_block) as place
            from holder where id = asked.id and from_block <= ${statement.bind(asOf.block, 'bigint')}) h
          where place = 1 or (h.votes, h.balance, h.locked, h.delegate) is distinct from before order by from_block desc limit ${size}) point`
      const { rows } = await reader.sql.query(text, statement.values)
      const points = new Map<string, PowerPoint[]>()
      for (const { id, ...point } of rows) points.set(id, [...(points.get(id) ?? []), point])
      return points
    })
    return found ?? []
  }
}

@Resolver(() => Governor)
export class DelegationResolver {
  @FieldResolver(() => DelegationGraph, {
    nullable: true,
    description: 'Who votes with whose tokens. Null when the token is not followed.',
    complexity: 100,
  })
  @Extensions(listLength(({ delegates = DEFAULT_FIRST, edges = DEFAULT_FIRST }) => delegates + edges))
  async delegations(
    @Root() { token, [ROW_AS_OF]: asOf }: LoadedRow & Governor,
    @Arg('delegates', () => Int, {
      nullable: true,
      description: 'The number of delegates: 20 when absent, at most 1,000.',
    })
    delegates: number | undefined,
    @Arg('edges', () => Int, {
      nullable: true,
      description: 'The number of delegations to them: 20 when absent, at most 1,000.',
    })
    edges: number | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<DelegationGraph | null> {
    if (token === null) return null
    const sizes = { delegates: requestedSize('delegates', delegates), edges: requestedSize('edges', edges) }
    const found = await reader.forField<DelegationGraph>(info, asOf, token, async (tokens, statement) => {
      const { rows } = await reader.sql.query(delegationsSql(statement, tokens, sizes), statement.values)
      return new Map(rows.map(({ token: one, ...graph }) => [one, graph]))
    })
    return found ?? { delegates: [], edges: [], undelegated: 0n, delegated: 0n }
  }
}

/** The delegations of all tokens, in one statement. */
function delegationsSql(
  statement: Statement,
  tokens: readonly string[],
  sizes: { delegates: number; edges: number },
): string {
  return `with held as materialized (
      select token, account, delegate, coalesce(locked, balance) as units, votes from holder t
      where token = any(${statement.bind(tokens, 'text[]')}) and ${statement.visibleAt(tableFor(Holder), 't')}),
    largest as materialized (
      select * from (select token, account, votes, row_number() over (partition by token order by votes desc, account) as place from held where votes > 0) g
      where place <= ${sizes.delegates}),
    edges as materialized (
      select h.token, h.account as delegator, h.delegate, h.units as amount,
        row_number() over (partition by h.token order by h.units desc, h.account) as place
      from held h join largest g on g.token = h.token and g.account = h.delegate where h.units > 0),
    ranked as (
      select g.token, g.place, g.account, g.votes, coalesce(sum(e.amount) filter (where e.delegator = g.account), 0) as own,
        coalesce(sum(e.amount) filter (where e.delegator <> g.account), 0) as received, count(e.delegator) filter (where e.delegator <> g.account) as delegators
      from largest g left join edges e on e.token = g.token and e.delegate = g.account group by g.token, g.place, g.account, g.votes)
    select h.token, coalesce(sum(h.units) filter (where h.delegate is null), 0) as undelegated,
      coalesce(sum(h.units) filter (where h.delegate is not null), 0) as delegated,
      (select coalesce(jsonb_agg(jsonb_build_object('account', account, 'votes', votes::text, 'own', own::text, 'received', received::text,
        'delegators', delegators) order by place), '[]') from ranked where ranked.token = h.token) as delegates,
      (select coalesce(jsonb_agg(jsonb_build_object('delegator', delegator, 'delegate', delegate, 'amount', amount::text) order by place), '[]')
        from edges where edges.token = h.token and place <= ${sizes.edges}) as edges
    from held h group by h.token`
}
