import type { GraphQLResolveInfo } from 'graphql'
import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { Governor, Holder } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { listLength, listLengthFrom } from '../../plugins/limits.ts'
import { tableFor } from '../../publicTables.ts'
import { DEFAULT_FIRST, type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import { siteOf } from '../../query/selection.ts'
import { Statement } from '../../query/statement.ts'
import { requestedSize } from './snapshot.ts'

@ObjectType({
  description: 'What an account held, whom it trusted and what it could vote with, from a block on.',
  simpleResolvers: true,
})
export class PowerPoint {
  @Field(() => Int, { description: 'From the end of this block on.' }) block!: number
  @Field(() => GraphQLDateTimeISO, { nullable: true, description: 'The block’s time.' }) time!: Date | null
  @Field(() => BigIntScalar, { description: 'Voting power, own and delegated.' }) votes!: bigint
  @Field(() => BigIntScalar, { description: 'Tokens held.' }) balance!: bigint
  @Field(() => String, { nullable: true, description: 'Who votes with them; null for nobody.' }) delegate!:
    | string
    | null
}

@ObjectType({ description: 'One who votes for others, or for themselves.', simpleResolvers: true })
export class Delegate {
  @Field(() => String, { description: 'The account.' }) account!: string
  @Field(() => BigIntScalar, { description: 'Its voting power.' }) votes!: bigint
  @Field(() => BigIntScalar, {
    description: 'Of that, its own tokens: its balance when it delegates to itself, else 0.',
  })
  own!: bigint
  @Field(() => BigIntScalar, { description: 'Of that, tokens of others who delegate to it.' }) received!: bigint
  @Field(() => Int, { description: 'Other accounts that hold tokens and delegate to it.' }) delegators!: number
}

@ObjectType({ description: 'Who trusts whom with how much.', simpleResolvers: true })
export class DelegationEdge {
  @Field(() => String, { description: 'Who holds the tokens.' }) delegator!: string
  @Field(() => String, { description: 'Who votes with them.' }) delegate!: string
  @Field(() => BigIntScalar, { description: 'Tokens held by the delegator: delegations are whole.' }) amount!: bigint
}

@ObjectType({
  description:
    'Delegations that stand at the moment. An account that delegates to itself is its own edge; one without tokens gives nothing and is none. Delegating again to the same account changes nothing, and of several changes in one transaction or block the last one stands.',
  simpleResolvers: true,
})
export class DelegationGraph {
  @Field(() => [Delegate], { description: 'Those with most votes, the greatest first.' }) delegates!: Delegate[]
  @Field(() => [DelegationEdge], { description: 'The greatest delegations to these, the greatest first.' })
  edges!: DelegationEdge[]
  @Field(() => BigIntScalar, { description: 'Tokens of accounts that delegate to nobody: they cannot be voted with.' })
  undelegated!: bigint
  @Field(() => BigIntScalar, { description: 'Tokens of accounts that delegate to somebody, themselves included.' })
  delegated!: bigint
}

@Resolver(() => Holder)
export class PowerHistoryResolver {
  @FieldResolver(() => [PowerPoint], {
    description:
      'Its history up to the moment, newest first: a point for every block after which votes, balance or delegate were other than before. What changes back within one block leaves no point, nor does delegating to whom one delegated already.',
    complexity: 20,
  })
  @Extensions(listLengthFrom('first'))
  async powerHistory(
    @Root() row: LoadedRow & Holder,
    @Arg('first', () => Int, { nullable: true, description: 'How many points: 20 when absent, at most 1,000.' })
    first: number | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<PowerPoint[]> {
    const most = requestedSize('first', first)
    const asOf = row[ROW_AS_OF]
    const loader = reader.batched<PowerPoint[]>(`${siteOf(info)}@${asOf.block}`, async (ids) => {
      const statement = new Statement(asOf)
      const text = `select point.* from unnest(${statement.bind(ids, 'text[]')}) asked(id) cross join lateral (
          select h.id, h.from_block as block, (select b.timestamp from block b where b.number = h.from_block) as time, h.votes, h.balance, h.delegate
          from (select *, lag((votes, balance, delegate)) over (order by from_block) as before, row_number() over (order by from_block) as place
            from holder where id = asked.id and from_block <= ${statement.bind(asOf.block, 'bigint')}) h
          where place = 1 or (h.votes, h.balance, h.delegate) is distinct from before order by from_block desc limit ${most}) point`
      const { rows } = await reader.sql.query(text, statement.values)
      const points = new Map<string, PowerPoint[]>()
      for (const { id, ...point } of rows) points.set(id, [...(points.get(id) ?? []), point])
      return points
    })
    return (await loader.load(row.id)) ?? []
  }
}

@Resolver(() => Governor)
export class DelegationResolver {
  @FieldResolver(() => DelegationGraph, {
    nullable: true,
    description: 'Who votes with whose tokens at the moment. Null when the token is not followed.',
    complexity: 100,
  })
  @Extensions(listLength(({ delegates = DEFAULT_FIRST, edges = DEFAULT_FIRST }) => delegates + edges))
  async delegations(
    @Root() { token, [ROW_AS_OF]: asOf }: LoadedRow & Governor,
    @Arg('delegates', () => Int, { nullable: true, description: 'How many delegates: 20 when absent, at most 1,000.' })
    delegates: number | undefined,
    @Arg('edges', () => Int, {
      nullable: true,
      description: 'How many delegations to them: 20 when absent, at most 1,000.',
    })
    edges: number | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<DelegationGraph | null> {
    if (token === null) return null
    const most = { delegates: requestedSize('delegates', delegates), edges: requestedSize('edges', edges) }
    const loader = reader.batched<DelegationGraph>(siteOf(info), async (tokens) => {
      const statement = new Statement(asOf)
      const { rows } = await reader.sql.query(delegationsSql(statement, tokens, most), statement.values)
      return new Map(rows.map(({ token: one, ...graph }) => [one, graph]))
    })
    return (await loader.load(token)) ?? { delegates: [], edges: [], undelegated: 0n, delegated: 0n }
  }
}

/** The delegations of every token, in one statement. */
function delegationsSql(
  statement: Statement,
  tokens: readonly string[],
  most: { delegates: number; edges: number },
): string {
  return `with held as materialized (
      select token, account, delegate, balance, votes from holder t
      where token = any(${statement.bind(tokens, 'text[]')}) and ${statement.visibleAt(tableFor(Holder), 't')}),
    greatest as materialized (
      select * from (select token, account, votes, row_number() over (partition by token order by votes desc, account) as place from held where votes > 0) g
      where place <= ${most.delegates}),
    edges as materialized (
      select h.token, h.account as delegator, h.delegate, h.balance as amount,
        row_number() over (partition by h.token order by h.balance desc, h.account) as place
      from held h join greatest g on g.token = h.token and g.account = h.delegate where h.balance > 0),
    told as (
      select g.token, g.place, g.account, g.votes, coalesce(sum(e.amount) filter (where e.delegator = g.account), 0) as own,
        coalesce(sum(e.amount) filter (where e.delegator <> g.account), 0) as received, count(e.delegator) filter (where e.delegator <> g.account) as delegators
      from greatest g left join edges e on e.token = g.token and e.delegate = g.account group by g.token, g.place, g.account, g.votes)
    select h.token, coalesce(sum(h.balance) filter (where h.delegate is null), 0) as undelegated,
      coalesce(sum(h.balance) filter (where h.delegate is not null), 0) as delegated,
      (select coalesce(jsonb_agg(jsonb_build_object('account', account, 'votes', votes::text, 'own', own::text, 'received', received::text,
        'delegators', delegators) order by place), '[]') from told where told.token = h.token) as delegates,
      (select coalesce(jsonb_agg(jsonb_build_object('delegator', delegator, 'delegate', delegate, 'amount', amount::text) order by place), '[]')
        from edges where edges.token = h.token and place <= ${most.edges}) as edges
    from held h group by h.token`
}
