import type { GraphQLResolveInfo } from 'graphql'
import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { Governor, Holder, Vote } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { listLengthFrom } from '../../plugins/listLength.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import type { Reader } from '../../query/reader.ts'
import type { Statement } from '../../query/statement.ts'
import { requireAddress } from '../../requireAddress.ts'
import { clockNow, ppm, proposalsAt, requestedSize, settingNow, snapshotBlock } from './snapshot.ts'

@ObjectType({ description: 'The voting record of one account at one Governor so far.', simpleResolvers: true })
export class VoterRecord {
  @Field(() => String, { description: 'Whose record it is.' }) account!: string
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Its voting power. Null when the token is not followed.',
  })
  power!: bigint | null
  @Field(() => Int, {
    description: 'The number of proposals it voted on, regardless of how many ballots it cast on each.',
  })
  voted!: number
  @Field(() => BigIntScalar, { description: 'The weight of all its ballots.' }) weight!: bigint
  @Field(() => Int, { description: 'Of these, the number on which all its ballots were for.' }) for!: number
  @Field(() => Int, { description: 'Of these, the number on which all its ballots were against.' }) against!: number
  @Field(() => Int, { description: 'Of these, the number on which all its ballots were abstentions.' })
  abstained!: number
  @Field(() => Int, {
    nullable: true,
    description:
      'The number of proposals it could vote on: the snapshot has passed, the proposal was not cancelled before it, and the account had voting power at it. Null when the token is not followed.',
  })
  eligible!: number | null
  @Field(() => Int, {
    nullable: true,
    description: 'The share of these on which it voted, in parts per million, rounded down. Null when there are none.',
  })
  participation!: number | null
  @Field(() => Int, {
    description:
      'The number of decided proposals on which all its ballots were for, or all were against. A proposal is decided when it is executed, queued, or past its deadline with a known quorum; a cancelled one never is.',
  })
  decided!: number
  @Field(() => Int, {
    description:
      'Of these, the number on which it voted as the outcome: for a passed proposal, or against a failed one.',
  })
  withOutcome!: number
  @Field(() => Int, {
    nullable: true,
    description: 'withOutcome / decided in parts per million, rounded down. Null when nothing is decided.',
  })
  agreement!: number | null
  @Field(() => Int, { description: 'The number of proposals it made.' }) proposed!: number
  @Field(() => GraphQLDateTimeISO, { nullable: true, description: 'The time of its first vote.' })
  firstVoteAt!: Date | null
  @Field(() => GraphQLDateTimeISO, { nullable: true, description: 'The time of its last vote.' })
  lastVoteAt!: Date | null
}

@Resolver(() => Governor)
export class VoterResolver {
  @FieldResolver(() => VoterRecord, {
    description: 'The record of one account; all counts are 0 when it never voted.',
    complexity: 50,
  })
  async voter(
    @Root() governor: LoadedRow & Governor,
    @Arg('account', () => String, { description: 'Who votes; one that never voted has zeros.' }) account: string,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<VoterRecord> {
    const address = requireAddress('account', account)
    const [record] = await recordsOf(governor, reader, info, (statement) => {
      const chosen = statement.bind(address, 'text')
      return `select id as governor_id, ${chosen} as account from asked`
    })
    if (!record) throw new Error(`no record was returned for ${account}`)
    return record
  }

  @FieldResolver(() => [VoterRecord], {
    description:
      'The records of the most active voters, by number of proposals voted on, then by cast weight, then by account.',
    complexity: 100,
  })
  @Extensions(listLengthFrom('first'))
  voters(
    @Root() governor: LoadedRow & Governor,
    @Arg('first', () => Int, { nullable: true, description: 'The number of records: 20 when absent, at most 1,000.' })
    first: number | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<VoterRecord[]> {
    const size = requestedSize('first', first)
    return recordsOf(
      governor,
      reader,
      info,
      (statement) => `select governor_id, account from (
          select t.governor_id, v.voter as account, row_number() over (partition by t.governor_id
            order by count(*) filter (where ${IS_FIRST_BALLOT}) desc, sum(v.weight) desc, v.voter) as place
          from vote v join terms t on t.id = v.proposal_id
          where ${statement.visibleAt(tableFor(Vote), 'v')} group by t.governor_id, v.voter) ranked where place <= ${size}`,
    )
  }
}

/** Of the ballots that a voter cast on a proposal, one has their ids alone as its own. */
const IS_FIRST_BALLOT = `v.id = v.proposal_id || '-' || v.voter`

/** The records of the accounts that `chosen` selects (`governor_id`, `account`), in one statement for all Governors of a list. */
async function recordsOf(
  governor: LoadedRow & Governor,
  reader: Reader,
  info: GraphQLResolveInfo,
  chosen: (statement: Statement) => string,
): Promise<VoterRecord[]> {
  const found = await reader.forField<VoterRecord[]>(info, governor[ROW_AS_OF], governor.id, async (ids, statement) => {
    const { rows } = await reader.sql.query(recordsSql(statement, ids, chosen(statement)), statement.values)
    const records = new Map<string, VoterRecord[]>(ids.map((id) => [id, []]))
    for (const { governorId, ...record } of rows) records.get(governorId)?.push(record)
    return records
  })
  return found ?? []
}

function recordsSql(statement: Statement, ids: readonly string[], chosen: string): string {
  const quorum = `coalesce(p.quorum, case when g.quorum_unknown is null and g.asked_at is null then coalesce(g.fixed_quorum, div(${settingNow(statement, 'g.token', 'totalSupply')}
    * ${settingNow(statement, 'g.id', 'quorumNumerator')} , nullif(g.quorum_denominator, 0))) end)`
  const counted = `(p.for_votes + case when g.counting = 'For' then 0 else p.abstain_votes end + case when g.counting = 'All' then p.against_votes else 0 end)`
  const queued = 'p.executed or (p.eta is not null and not p.canceled)'
  return `with asked as materialized (
      select g.id, g.token from governor g where g.id = any(${statement.bind(ids, 'text[]')}) and ${statement.visibleAt(tableFor(Governor), 'g')}),
    terms as materialized (
      select p.id, p.governor_id, p.proposer, g.token, ${snapshotBlock(statement)} as at, p.vote_start < ${clockNow(statement)} as opened,
        (${queued}) or (not p.canceled and p.vote_end < ${clockNow(statement)} and ${quorum} is not null) as decided,
        (${queued}) or (p.for_votes > p.against_votes and ${counted} >= ${quorum}) as passed
      from ${proposalsAt(statement)} where p.governor_id in (select id from asked)),
    open as materialized (
      select t.* from terms t where t.opened and not exists (
        select 1 from proposal c where c.id = t.id and c.canceled and c.from_block <= t.at and (c.to_block is null or c.to_block > t.at))),
    chosen as materialized (${chosen}),
    ballots as materialized (
      select c.governor_id, c.account as voter, v.proposal_id, sum(v.weight) as weight, min(v.cast_at) as first_at, max(v.cast_at) as last_at,
        case when min(v.support) = max(v.support) then min(v.support) end as side
      from chosen c join vote v on v.voter = c.account join terms t on t.id = v.proposal_id and t.governor_id = c.governor_id
      where ${statement.visibleAt(tableFor(Vote), 'v')} group by c.governor_id, c.account, v.proposal_id),
    snapshots as (select governor_id, array_agg(at order by at) as ats from open group by governor_id),
    eligible as (
      select c.governor_id, c.account, sum(
          case when h.to_block is null then cardinality(s.ats) else width_bucket(h.to_block - 1, s.ats) end - width_bucket(h.from_block - 1, s.ats))::integer as eligible
      from chosen c join snapshots s on s.governor_id = c.governor_id join asked a on a.id = c.governor_id
      join holder h on h.account = c.account and h.token = a.token and h.votes > 0 group by c.governor_id, c.account),
    took_part as (
      select b.governor_id, b.voter, count(*)::integer as did from ballots b join open o on o.id = b.proposal_id
      join holder h on h.account = b.voter and h.token = o.token and h.votes > 0 and h.from_block <= o.at and (h.to_block is null or h.to_block > o.at)
      group by b.governor_id, b.voter),
    shares as (
      select e.governor_id, e.account, e.eligible, coalesce(d.did, 0) as did
      from eligible e left join took_part d on d.governor_id = e.governor_id and d.voter = e.account),
    cast_by as (
      select c.governor_id, c.account, count(b.voter)::integer as voted, coalesce(sum(b.weight), 0) as weight,
        count(*) filter (where side = 1)::integer as "for", count(*) filter (where side = 0)::integer as against,
        count(*) filter (where side = 2)::integer as abstained,
        count(*) filter (where side in (0, 1) and decided)::integer as decided,
        count(*) filter (where decided and (side = 1 and passed or side = 0 and not passed))::integer as with_outcome,
        min(first_at) as first_at, max(last_at) as last_at
      from chosen c left join ballots b on b.governor_id = c.governor_id and b.voter = c.account left join terms t on t.id = b.proposal_id
      group by c.governor_id, c.account),
    made as (select governor_id, proposer, count(*)::integer as proposed from terms group by governor_id, proposer)
    select b.governor_id as "governorId", b.account, case when a.token is not null then coalesce(h.votes, 0) end as power, b.voted, b.weight,
      b."for", b.against, b.abstained, case when a.token is not null then coalesce(s.eligible, 0) end as eligible,
      ${ppm('s.did', 's.eligible')} as participation, b.decided, b.with_outcome as "withOutcome",
      ${ppm('b.with_outcome', 'b.decided')} as agreement, coalesce(m.proposed, 0) as proposed, b.first_at as "firstVoteAt", b.last_at as "lastVoteAt"
    from cast_by b join asked a on a.id = b.governor_id left join shares s on s.governor_id = b.governor_id and s.account = b.account
    left join made m on m.governor_id = b.governor_id and m.proposer = b.account
    left join holder h on h.account = b.account and h.token = a.token and ${statement.visibleAt(tableFor(Holder), 'h')}
    order by b.voted desc, b.weight desc, b.account`
}
