import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Field, FieldResolver, Float, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { Governor, Holder, Vote } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { ApiError } from '../../errors.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import type { Statement } from '../../query/statement.ts'
import { clockNow, proposalsAt } from './snapshot.ts'

@ObjectType({
  description:
    'Voting-bloc entropy (Fábrega et al., “Voting-Bloc Entropy: A New Metric for DAO Decentralization”, arXiv:2509.22620): accounts that vote alike count as one. The accounts with voting power now are grouped by what they chose on the newest proposals; those with the same choices on all of them, not voting included, are a bloc. So the accounts that voted on none are one bloc, too. Blocs have the shares p₁ ≥ p₂ ≥ … of all voting power.',
  simpleResolvers: true,
})
export class VotingBlocs {
  @Field(() => Int, {
    description: 'The number of proposals that were considered: voting on them has begun, and they are not cancelled.',
  })
  proposals!: number
  @Field(() => Int, { description: 'The number of blocs.' }) blocs!: number
  @Field(() => Int, { description: 'The number of accounts with voting power.' }) accounts!: number
  @Field(() => BigIntScalar, { description: 'Their voting power.' }) power!: bigint
  @Field(() => BigIntScalar, { description: 'Of this, that of the largest bloc.' }) largest!: bigint
  @Field(() => BigIntScalar, { description: 'Of this, that of the accounts that voted on none of the proposals.' })
  inactive!: bigint
  @Field(() => Float, {
    nullable: true,
    description: 'The min-entropy in bits, −log₂ p₁, which the paper uses: 0 when all vote alike. Null without power.',
  })
  minEntropy!: number | null
  @Field(() => Float, {
    nullable: true,
    description: 'Shannon’s entropy in bits, −Σ pᵢ·log₂ pᵢ; at least the min-entropy. Null without power.',
  })
  entropy!: number | null
}

const DEFAULT_PROPOSALS = 10
const MAX_PROPOSALS = 100
const NONE: VotingBlocs = {
  proposals: 0,
  blocs: 0,
  accounts: 0,
  power: 0n,
  largest: 0n,
  inactive: 0n,
  minEntropy: null,
  entropy: null,
}

@Resolver(() => Governor)
export class VotingBlocResolver {
  @FieldResolver(() => VotingBlocs, {
    nullable: true,
    description:
      'Voting power by blocs of accounts that vote alike. An account’s choice on a proposal is the set of the sides that its ballots took: for, against, abstain, or split. Null when the token is not followed.',
    complexity: 100,
  })
  async votingBlocs(
    @Root() { id, token, [ROW_AS_OF]: asOf }: LoadedRow & Governor,
    @Arg('proposals', () => Int, {
      nullable: true,
      description: `The number of newest proposals, by their snapshots: ${DEFAULT_PROPOSALS} when absent, 1 to ${MAX_PROPOSALS}.`,
    })
    given: number | null | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<VotingBlocs | null> {
    const proposals = given ?? DEFAULT_PROPOSALS
    if (proposals < 1 || proposals > MAX_PROPOSALS)
      throw new ApiError('BAD_INPUT', `proposals must be from 1 to ${MAX_PROPOSALS}.`)
    if (token === null) return null
    const found = await reader.forField<VotingBlocs>(info, asOf, id, async (ids, statement) => {
      const { rows } = await reader.sql.query(blocsSql(statement, ids, proposals), statement.values)
      return new Map(rows.map(({ id: of, ...blocs }) => [of, blocs]))
    })
    return found ?? NONE
  }
}

/** `choices`: for each proposal, four bits: whether a ballot was against, for, an abstention, or split. */
function blocsSql(statement: Statement, ids: readonly string[], proposals: number): string {
  return `with asked as materialized (
      select g.id, g.token from governor g where g.id = any(${statement.bind(ids, 'text[]')}) and ${statement.visibleAt(tableFor(Governor), 'g')}),
    considered as materialized (
      select * from (
        select p.id, p.governor_id, row_number() over (partition by p.governor_id order by p.vote_start desc, p.id desc) as place
        from ${proposalsAt(statement)} where p.governor_id in (select id from asked) and not p.canceled and p.vote_start < ${clockNow(statement)}) newest
      where place <= ${proposals}),
    sides as materialized (
      select c.id, c.governor_id, side, set_bit(repeat('0', ${4 * proposals})::bit(${4 * proposals}), (4 * (place - 1) + side)::integer, 1) as mark
      from considered c cross join generate_series(0, 3) side),
    voters as (
      select s.governor_id, v.voter, bit_or(s.mark) as choices from sides s join vote v on v.proposal_id = s.id and least(v.support, 3) = s.side
      where ${statement.visibleAt(tableFor(Vote), 'v')} group by s.governor_id, v.voter),
    blocs as (
      select a.id, v.choices, count(*) as accounts, sum(h.votes) as power
      from asked a join holder h on h.token = a.token and h.votes > 0 and ${statement.visibleAt(tableFor(Holder), 'h')}
      left join voters v on v.governor_id = a.id and v.voter = h.account group by a.id, v.choices),
    shares as (select *, (power / sum(power) over (partition by id))::double precision as share from blocs)
    select id, (select count(*) from considered c where c.governor_id = shares.id)::integer as proposals, count(*)::integer as blocs,
      sum(accounts)::integer as accounts, sum(power) as power, max(power) as largest,
      coalesce(sum(power) filter (where choices is null), 0) as inactive,
      ln(max(share)) / -ln(2::double precision) as "minEntropy", sum(share * ln(share)) / -ln(2::double precision) as entropy
    from shares group by id`
}
