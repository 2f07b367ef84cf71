import { quorumAt } from '#indexer/governors/indexedValues.ts'
import { declaresQuorum, stateOfStored } from '#rules/storedProposal.ts'
import type { Database } from '#schema/database.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { addFigure, type ReplayFigures } from './events.ts'

/** What the index holds, under the same names as what was recorded. */

export async function indexedCounts(db: Database): Promise<ReplayFigures> {
  const figures: ReplayFigures = new Map()
  const { rows } = await db.query(`
    select name || ' events of ' || address as name, count(*)::numeric as amount from chain_event where to_block is null group by 1
    union all select 'proposals of ' || governor_id, count(*) from proposal where to_block is null group by 1
    union all select 'votes on proposal ' || reverse(split_part(reverse(proposal_id), '-', 1)), count(*) from vote where to_block is null group by 1
    union all select 'weight of support ' || support || ' on proposal ' || reverse(split_part(reverse(proposal_id), '-', 1)), sum(weight) from vote where to_block is null group by 1`)
  for (const { name, amount } of rows) addFigure(figures, name, amount)
  // the vote counts of a proposal must be the sums of its votes
  const { rows: tallies } = await db.query(`
    select p.on_chain_id as id, p.for_votes, p.against_votes, p.abstain_votes,
      coalesce(sum(v.weight) filter (where support = 1), 0) as f, coalesce(sum(v.weight) filter (where support = 0), 0) as a,
      coalesce(sum(v.weight) filter (where support = 2), 0) as n
    from proposal p left join vote v on v.proposal_id = p.id and v.to_block is null where p.to_block is null and not exists (
      select 1 from vote s where s.proposal_id = p.id and s.support > 2)
      and not exists (select 1 from chain_event where name = 'VoteReduced' and to_block is null) group by 1, 2, 3, 4`)
  for (const { id, for_votes, against_votes, abstain_votes, f, a, n } of tallies)
    if (for_votes !== f || against_votes !== a || abstain_votes !== n)
      figures.set(`tally of proposal ${id}`, 'not the sum of its votes')
  return figures
}

/** Balances, votes and delegates as of a block, without what is nothing. */
export async function indexedHolders(db: Database, block: number): Promise<ReplayFigures> {
  const { rows } = await db.query<{ name: string; value: string }>(
    `with present as (select * from holder where from_block <= $1 and (to_block is null or to_block > $1))
     select 'balance of ' || account || ' in ' || token as name, balance::text as value from present where balance <> 0
     union all select 'votes of ' || account || ' in ' || token, votes::text from present where votes <> 0
     union all select 'delegate of ' || account || ' in ' || token, delegate from present where delegate is not null`,
    [block],
  )
  return new Map(rows.map(({ name, value }) => [name, value]))
}

/** The states that the index tells as of a block. */
export async function indexedStates(db: Database, block: number): Promise<ReplayFigures> {
  const now = { block, time: new Date(0) } // a recording has no times: nothing expires
  const states: ReplayFigures = new Map()
  const governors = new Map((await rowsOf(db, Governor, 'true', [], { block })).map((one) => [one.id, one]))
  for (const proposal of await rowsOf(db, Proposal, 'true', [], { block })) {
    const governor = governors.get(proposal.governorId)
    if (!governor) continue
    const quorum = proposal.quorum ?? (declaresQuorum(governor) ? await quorumAt(db, governor, now) : null)
    const state = stateOfStored(proposal, governor, quorum, now)
    if (state !== null) states.set(`state of proposal ${proposal.onChainId} of ${governor.id}`, state)
  }
  return states
}
