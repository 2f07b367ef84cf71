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
      const text = `with asked as materialized (
          select p.id, g.token, ${snapshotBlock(statement)} as at from ${proposalsAt(statement)} where p.id = any(${statement.bind(ids, 'text[]')})),
        snapshots as materialized (select token, array_agg(at order by at, id) as ats, array_agg(id order by at, id) as ids from asked group by token),
        powers as materialized (
          select s.ids[n] as id, h.account, h.votes from snapshots s
          join holder h on h.token = s.token and h.votes > 0 and h.from_block <= s.ats[cardinality(s.ats)] and (h.to_block is null or h.to_block > s.ats[1])
          cross join lateral generate_series(width_bucket(h.from_block - 1, s.ats) + 1,
            case when h.to_block is null then cardinality(s.ats) else width_bucket(h.to_block - 1, s.ats) end) n),
        totals as (select id, sum(votes) as total from powers group by id),
        banded as (
          select id, votes, width_bucket(div(votes * 1000000, total), array[${BANDS.join(', ')}]::numeric[]) as band,
            exists (select 1 from vote v where v.proposal_id = powers.id and v.voter = powers.account and ${statement.visibleAt(tableFor(Vote), 'v')}) as voted
          from powers join totals using (id))
        select id, band, count(*)::integer as accounts, count(*) filter (where voted)::integer as voted, sum(votes) as power,
          coalesce(sum(votes) filter (where voted), 0) as voted_power from banded group by id, band`
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
