import type { GraphQLResolveInfo } from 'graphql'
import { Ctx, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { contentiousness } from '#rules/contention.ts'
import { tallyOf } from '#rules/storedProposal.ts'
import { Proposal, Vote } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import { ppm, proposalsAt, settingAt, snapshotBlock } from './snapshot.ts'

@ObjectType({ description: 'How much of the voting power took part in a vote so far.', simpleResolvers: true })
export class Turnout {
  @Field(() => BigIntScalar, { description: 'For + Against + Abstain: the weight cast.' }) votes!: bigint
  @Field(() => Int, { description: 'The number of accounts that voted, regardless of how many ballots each cast.' })
  voters!: number
  @Field(() => BigIntScalar, {
    nullable: true,
    description:
      'The token’s supply at the snapshot (before the snapshot: the present supply): everything that could have voted, delegated or not. Null when the token is not followed.',
  })
  supply!: bigint | null
  @Field(() => Int, {
    nullable: true,
    description:
      'votes / supply in parts per million, rounded down. Limited to 2,147,483,647, because a token may count more votes than its supply. Null when the supply is unknown or 0. A cancelled proposal keeps its turnout.',
  })
  share!: number | null
}

@ObjectType({ description: 'Accounts with similar power, and how many of them voted.', simpleResolvers: true })
export class ParticipationBand {
  @Field(() => Int, {
    description:
      'The band starts at this share of all voting power at the snapshot, in parts per million: 0, 100, 1,000, 10,000 or 100,000.',
  })
  from!: number
  @Field(() => Int, { nullable: true, description: 'The band ends below this share; null for the highest band.' })
  to!: number | null
  @Field(() => Int, { description: 'The number of accounts in the band.' }) accounts!: number
  @Field(() => Int, { description: 'Of these, the number that voted.' }) voted!: number
  @Field(() => BigIntScalar, { description: 'The power of these accounts.' }) power!: bigint
  @Field(() => BigIntScalar, { description: 'Of this, the power of the accounts that voted.' }) votedPower!: bigint
}

/** The lower bounds of the bands, in ppm of all voting power. */
const BANDS = [0, 100, 1_000, 10_000, 100_000]

@Resolver(() => Proposal)
export class TurnoutResolver {
  @FieldResolver(() => Turnout, { description: 'How much of the voting power took part.', complexity: 10 })
  async turnout(
    @Root() row: LoadedRow & Proposal,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Turnout> {
    const asOf = row[ROW_AS_OF]
    const found = await reader.forField<Turnout>(info, asOf, row.id, async (ids, statement) => {
      const text = `select id, votes, supply, voters, ${ppm('votes', 'supply')} as share from (
          select p.id, p.for_votes + p.against_votes + p.abstain_votes as votes,
            ${settingAt('g.token', 'totalSupply', snapshotBlock(statement))} as supply,
            (select count(distinct v.voter)::integer from vote v where v.proposal_id = p.id and ${statement.visibleAt(tableFor(Vote), 'v')}) as voters
          from ${proposalsAt(statement)} where p.id = any(${statement.bind(ids, 'text[]')})) counted`
      const { rows } = await reader.sql.query(text, statement.values)
      return new Map(rows.map(({ id, ...turnout }) => [id, turnout]))
    })
    const sum = tallyOf(row)
    const votes = sum.for + sum.against + sum.abstain
    return found ?? { votes, voters: 0, supply: null, share: null }
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description:
      'How even the result is, in parts per million, rounded down: 1 − |For − Against| / (For + Against). 1,000,000 at a tie, 0 when all votes are on one side; abstentions do not count. Null when there are no votes for or against.',
  })
  contentiousness(@Root() row: LoadedRow & Proposal): number | null {
    return contentiousness(tallyOf(row))
  }

  @FieldResolver(() => [ParticipationBand], {
    description:
      'Participation by size: each account with voting power at the snapshot (before the snapshot: with present voting power) belongs to one of five bands by its share of all voting power. Empty bands are included. The list is empty when the token is not followed or no account has power.',
    complexity: 50,
  })
  async participationBySize(
    @Root() row: LoadedRow & Proposal,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ParticipationBand[]> {
    const asOf = row[ROW_AS_OF]
    const found = await reader.forField<ParticipationBand[]>(info, asOf, row.id, async (ids, statement) => {
      // A holder's version is visible at the snapshots from its first to its last block: found by search in the sorted array, without comparing each pair.
      // Most are visible at all of them (`lasting`): sorted by their votes together with the bounds of all bands, they are counted for every proposal at once.
      const text = `with asked as materialized (
          select p.id, g.token, ${snapshotBlock(statement)} as at from ${proposalsAt(statement)} where p.id = any(${statement.bind(ids, 'text[]')})),
        snapshots as materialized (select token, array_agg(at order by at, id) as ats, array_agg(id order by at, id) as ids from asked group by token),
        held as materialized (
          select s.token, h.account, h.votes, width_bucket(h.from_block - 1, s.ats) + 1 as first,
            case when h.to_block is null then cardinality(s.ats) else width_bucket(h.to_block - 1, s.ats) end as last, cardinality(s.ats) as count
          from snapshots s join holder h on h.token = s.token and h.votes > 0
            and h.from_block <= s.ats[cardinality(s.ats)] and (h.to_block is null or h.to_block > s.ats[1])),
        lasting as materialized (select token, votes, count(*) as accounts, sum(votes) as power from held where first = 1 and last = count group by token, votes),
        passing as materialized (
          select s.ids[n] as id, h.votes from held h join snapshots s using (token) cross join lateral generate_series(first, last) n where first > 1 or last < count),
        totals as materialized (
          select a.id, a.token, coalesce(l.power, 0) + coalesce(p.power, 0) as total from asked a
          left join (select token, sum(power) as power from lasting group by token) l using (token)
          left join (select id, sum(votes) as power from passing group by id) p using (id)),
        bounds as materialized (
          select id, token, band, div(total * share + 999999, 1000000) as least from totals
          cross join unnest(array[${BANDS.join(', ')}]::numeric[]) with ordinality as b(share, band) where total > 0),
        bands as materialized (select id, array_agg(least order by band) as bounds from bounds group by id),
        reached as (
          select id, band, sum(accounts) over above as accounts, sum(power) over above as power
          from (select token, votes, accounts, power, null as id, null::bigint as band from lasting union all select token, least, 0, 0, id, band from bounds) both_kinds
          window above as (partition by token order by votes desc, band nulls first rows unbounded preceding)),
        parts as (
          select id, band, accounts - coalesce(lead(accounts) over of_id, 0) as accounts, 0 as voted, power - coalesce(lead(power) over of_id, 0) as power, 0 as voted_power
          from reached where id is not null window of_id as (partition by id order by band)
          union all
          select id, width_bucket(votes, bounds), count(*), 0, sum(votes), 0 from passing join bands using (id) group by 1, 2
          union all
          select id, width_bucket(h.votes, bounds), 0, count(*), 0, sum(h.votes)
          from (select distinct v.proposal_id as id, v.voter as account from vote v
            where v.proposal_id = any(${statement.bind(ids, 'text[]')}) and ${statement.visibleAt(tableFor(Vote), 'v')}) ballots
          join bands using (id) join snapshots s on id = any(s.ids) join held h on h.token = s.token and h.account = ballots.account
            and array_position(s.ids, id) between h.first and h.last group by 1, 2)
        select id, band::integer, sum(accounts)::integer as accounts, sum(voted)::integer as voted, sum(power) as power, sum(voted_power) as voted_power
        from parts group by id, band having sum(accounts) > 0`
      const { rows } = await reader.sql.query(text, statement.values)
      return new Map(ids.map((id) => [id, bandsOf(rows.filter((one) => one.id === id))]))
    })
    return found ?? []
  }
}

interface FoundBand {
  band: number
  accounts: number
  voted: number
  power: bigint
  voted_power: bigint
}

function bandsOf(found: readonly FoundBand[]): ParticipationBand[] {
  if (!found.length) return []
  return BANDS.map((from, i) => {
    const one = found.find(({ band }) => band === i + 1)
    const { accounts = 0, voted = 0, power = 0n, voted_power: votedPower = 0n } = one ?? {}
    return { from, to: BANDS[i + 1] ?? null, accounts, voted, power, votedPower }
  })
}
