import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Extensions, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { Governor, Holder } from '#schema/onchain/governance.ts'
import type { ApiContext } from '../../context.ts'
import { listLengthFrom } from '../../plugins/listLength.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import type { Statement } from '../../query/statement.ts'
import { ppm, requestedSize } from './snapshot.ts'

@ObjectType({
  description:
    'How many of the largest delegates of a Governor, A, are among those of another, B. (Overlaps of who governs several organisations: Kitzler et al., “The Governance of Decentralized Autonomous Organizations”, arXiv:2309.14232.)',
  simpleResolvers: true,
})
export class DelegateOverlap {
  @Field(() => String, { description: 'The other Governor’s address.' }) governor!: string
  @Field(() => Int, { description: '|A|: the largest delegates here; fewer than asked for where there are fewer.' })
  delegates!: number
  @Field(() => Int, { description: '|B|: the largest delegates there.' }) theirs!: number
  @Field(() => Int, { description: '|A ∩ B|: those in both.' }) shared!: number
  @Field(() => Int, {
    nullable: true,
    description:
      'The index of Jaccard (1912), |A ∩ B| / |A ∪ B|, in parts per million, rounded down. Null without any.',
  })
  jaccard!: number | null
  @Field(() => Int, {
    nullable: true,
    description:
      'The overlap coefficient of Szymkiewicz and Simpson (1943), |A ∩ B| / min(|A|, |B|), in parts per million, rounded down. Null when one has no delegates.',
  })
  overlap!: number | null
  @Field(() => Int, {
    nullable: true,
    description:
      'The share of all voting power here that the shared delegates have, in parts per million, rounded down.',
  })
  powerHere!: number | null
  @Field(() => Int, {
    nullable: true,
    description: 'The share of all voting power there that they have, in parts per million, rounded down.',
  })
  powerThere!: number | null
}

const DEFAULT_DELEGATES = 100

@Resolver(() => Governor)
export class DelegateOverlapResolver {
  @FieldResolver(() => [DelegateOverlap], {
    description:
      'The overlap of the largest delegates (the accounts with the most voting power; of equal ones, those with the smaller address) with those of each other followed Governor of this chain: most shared first, then by address. Governors whose token is not followed are left out; two with the same token share all.',
    complexity: 100,
  })
  @Extensions(listLengthFrom('first'))
  async delegateOverlap(
    @Root() { id, token, [ROW_AS_OF]: asOf }: LoadedRow & Governor,
    @Arg('delegates', () => Int, {
      nullable: true,
      description: `The number of largest delegates of each: ${DEFAULT_DELEGATES} when absent, at most 1,000.`,
    })
    given: number | null | undefined,
    @Arg('first', () => Int, {
      nullable: true,
      description: 'The number of other Governors: 20 when absent, at most 1,000.',
    })
    first: number | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<DelegateOverlap[]> {
    const delegates = requestedSize('delegates', given ?? DEFAULT_DELEGATES)
    const size = requestedSize('first', first)
    if (token === null) return []
    const found = await reader.forField<DelegateOverlap[]>(info, asOf, id, async (ids, statement) => {
      const { rows } = await reader.sql.query(overlapSql(statement, ids, delegates, size), statement.values)
      const overlaps = new Map<string, DelegateOverlap[]>(ids.map((one) => [one, []]))
      for (const { id: of, ...overlap } of rows) overlaps.get(of)?.push(overlap)
      return overlaps
    })
    return found ?? []
  }
}

/** Each token's holders are ranked once; pairs of Governors compare the ranked ones only. */
const overlapSql = (statement: Statement, ids: readonly string[], delegates: number, size: number) =>
  `with followed as materialized (
      select g.id, g.token from governor g where g.token is not null and ${statement.visibleAt(tableFor(Governor), 'g')}),
    largest as materialized (
      select * from (
        select token, account, votes, row_number() over (partition by token order by votes desc, account) as place, sum(votes) over (partition by token) as total
        from holder t where token in (select token from followed) and votes > 0 and ${statement.visibleAt(tableFor(Holder), 't')}) ranked
      where place <= ${delegates}),
    counted as materialized (
      select f.id, f.token, count(l.account)::integer as delegates, max(l.total) as total from followed f left join largest l on l.token = f.token group by f.id, f.token),
    pairs as (
      select a.id, b.id as governor, a.delegates, b.delegates as theirs, a.total, b.total as their_total, s.shared, s.here, s.there,
        row_number() over (partition by a.id order by s.shared desc, b.id) as place
      from counted a join counted b on b.id <> a.id
      cross join lateral (
        select count(*)::integer as shared, coalesce(sum(x.votes), 0) as here, coalesce(sum(y.votes), 0) as there
        from largest x join largest y on y.account = x.account where x.token = a.token and y.token = b.token) s
      where a.id = any(${statement.bind(ids, 'text[]')}))
    select id, governor, delegates, theirs, shared, ${ppm('shared', '(delegates + theirs - shared)')} as jaccard,
      ${ppm('shared', 'least(delegates, theirs)')} as overlap, ${ppm('here', 'total')} as "powerHere", ${ppm('there', 'their_total')} as "powerThere"
    from pairs where place <= ${size} order by id, place`
