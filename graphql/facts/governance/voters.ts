import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, FieldResolver, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { Governor, Holder, Vote } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { ApiError } from '../../errors.ts'
import { asMany } from '../../manners/limits.ts'
import { tableFor } from '../../names.ts'
import { AT, type Row } from '../../query/page.ts'
import { Statement } from '../../query/statement.ts'
import { clockNow, ppm, proposalsAt, settingNow, sizeOf, snapshotBlock } from './snapshot.ts'

@ObjectType({ description: 'How one account has voted at one Governor, up to the moment.', simpleResolvers: true })
export class VoterRecord {
  @Field(() => String, { description: 'The account.' }) account!: string
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Its voting power at the moment. Null when the token is not followed.',
  })
  power!: bigint | null
  @Field(() => Int, { description: 'Proposals it voted on, however many ballots it cast on each.' }) voted!: number
  @Field(() => BigIntScalar, { description: 'The weight of all its ballots.' }) weight!: bigint
  @Field(() => Int, { description: 'Of the proposals voted on, for: by every ballot.' }) for!: number
  @Field(() => Int, { description: 'Of the proposals voted on, against: by every ballot.' }) against!: number
  @Field(() => Int, { description: 'Of the proposals voted on, abstained: by every ballot.' }) abstained!: number
  @Field(() => Int, {
    nullable: true,
    description:
      'Proposals that it could vote on: their snapshot has passed, they were not cancelled by then, and it had voting power there. Null when the token is not followed.',
  })
  eligible!: number | null
  @Field(() => Int, {
    nullable: true,
    description:
      'Of the proposals that it could vote on, the share that it did, in parts per million, rounded down. Null when there are none.',
  })
  participation!: number | null
  @Field(() => Int, {
    description:
      'Of the proposals voted on wholly for or wholly against, those that are decided: executed, queued, or past their deadline with a known quorum. Cancelled ones never are.',
  })
  decided!: number
  @Field(() => Int, { description: 'Of those, with the outcome: for what passed, or against what did not.' })
  withOutcome!: number
  @Field(() => Int, {
    nullable: true,
    description: 'withOutcome / decided in parts per million, rounded down. Null when nothing is decided.',
  })
  agreement!: number | null
  @Field(() => Int, { description: 'Proposals it made.' }) proposed!: number
  @Field(() => GraphQLDateTimeISO, { nullable: true, description: 'When it first voted.' }) firstVoteAt!: Date | null
  @Field(() => GraphQLDateTimeISO, { nullable: true, description: 'When it last voted.' }) lastVoteAt!: Date | null
}

@Resolver(() => Governor)
export class VoterFacts {
  @FieldResolver(() => VoterRecord, {
    description: 'The record of one account, all zero when it never voted.',
    complexity: 50,
  })
  async voter(
    @Root() governor: Row & Governor,
    @Arg('account', () => String, { description: 'The account.' }) account: string,
    @Ctx() { db }: ApiContext,
  ): Promise<VoterRecord> {
    if (!/^0x[0-9a-fA-F]{40}$/.test(account))
      throw new ApiError('BAD_INPUT', `account must be an address; got ${JSON.stringify(account.slice(0, 80))}.`)
    const statement = new Statement(governor[AT])
    const chosen = `select ${statement.bind(account.toLowerCase(), 'text')} as account`
    return (await records(db, statement, governor, chosen))[0]!
  }

  @FieldResolver(() => [VoterRecord], {
    description:
      'The records of those who voted on most proposals, then of those who cast more weight, then by account.',
    complexity: 100,
  })
  @Extensions(asMany('first'))
  voters(
    @Root() governor: Row & Governor,
    @Arg('first', () => Int, { nullable: true, description: 'How many: 20 when absent, at most 1,000.' })
    first: number | undefined,
    @Ctx() { db }: ApiContext,
  ): Promise<VoterRecord[]> {
    const most = sizeOf('first', first)
    const statement = new Statement(governor[AT])
    return records(
      db,
      statement,
      governor,
      `select voter as account from ballots group by voter order by count(*) desc, sum(weight) desc, voter limit ${most}`,
    )
  }
}

/** One statement for all accounts that `chosen` selects. */
async function records(
  db: Pick<ApiContext['db'], 'query'>,
  statement: Statement,
  governor: Row & Governor,
  chosen: string,
): Promise<VoterRecord[]> {
  const id = statement.bind(governor.id, 'text')
  const quorum = `coalesce(p.quorum, g.fixed_quorum, div(${settingNow(statement, 'g.token', 'totalSupply')}
    * ${settingNow(statement, 'g.id', 'quorumNumerator')} , g.quorum_denominator))`
  const counted = `(p.for_votes + case when g.counting = 'For' then 0 else p.abstain_votes end + case when g.counting = 'All' then p.against_votes else 0 end)`
  const queued = 'p.executed or (p.eta is not null and not p.canceled)'
  const text = `with terms as materialized (
      select p.id, p.proposer, g.token, ${snapshotBlock(statement)} as at, p.vote_start < ${clockNow(statement)} as opened,
        (${queued}) or (not p.canceled and p.vote_end < ${clockNow(statement)} and ${quorum} is not null) as decided,
        (${queued}) or (p.for_votes > p.against_votes and ${counted} >= ${quorum}) as passed
      from ${proposalsAt(statement)} where p.governor_id = ${id}),
    open as (
      select t.* from terms t where t.opened and not exists (
        select 1 from proposal c where c.id = t.id and c.canceled and c.from_block <= t.at and (c.to_block is null or c.to_block > t.at))),
    ballots as (
      select v.voter, v.proposal_id, sum(v.weight) as weight, min(v.cast_at) as first_at, max(v.cast_at) as last_at,
        case when min(v.support) = max(v.support) then min(v.support) end as side
      from vote v join terms t on t.id = v.proposal_id where ${statement.stands(tableFor(Vote), 'v')} group by v.voter, v.proposal_id),
    chosen as materialized (${chosen}),
    could as (
      select c.account, o.id, exists (select 1 from ballots b where b.voter = c.account and b.proposal_id = o.id) as did
      from chosen c join holder h on h.account = c.account and h.votes > 0
      join open o on o.token = h.token and h.from_block <= o.at and (h.to_block is null or h.to_block > o.at)),
    cast_by as (
      select c.account, count(b.voter)::integer as voted, coalesce(sum(b.weight), 0) as weight,
        count(*) filter (where side = 1)::integer as "for", count(*) filter (where side = 0)::integer as against,
        count(*) filter (where side = 2)::integer as abstained,
        count(*) filter (where side in (0, 1) and decided)::integer as decided,
        count(*) filter (where decided and (side = 1 and passed or side = 0 and not passed))::integer as with_outcome,
        min(first_at) as first_at, max(last_at) as last_at
      from chosen c left join ballots b on b.voter = c.account left join terms t on t.id = b.proposal_id group by c.account),
    shares as (select account, count(*)::integer as eligible, count(*) filter (where did)::integer as did from could group by account)
    select b.account, case when ${statement.bind(governor.token, 'text')} is not null then coalesce(h.votes, 0) end as power, b.voted, b.weight,
      b."for", b.against, b.abstained, case when ${statement.bind(governor.token, 'text')} is not null then coalesce(s.eligible, 0) end as eligible,
      ${ppm('s.did', 's.eligible')} as participation, b.decided, b.with_outcome as "withOutcome",
      ${ppm('b.with_outcome', 'b.decided')} as agreement,
      (select count(*)::integer from terms t where t.proposer = b.account) as proposed, b.first_at as "firstVoteAt", b.last_at as "lastVoteAt"
    from cast_by b left join shares s on s.account = b.account
    left join holder h on h.account = b.account and h.token = ${statement.bind(governor.token, 'text')} and ${statement.stands(tableFor(Holder), 'h')}
    order by b.voted desc, b.weight desc, b.account`
  return (await db.query<VoterRecord & object>(text, statement.values)).rows
}
