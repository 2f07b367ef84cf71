import { Contribution } from '#schema/onchain/datanets.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { tableFor } from '../../publicTables.ts'
import type { Statement } from '../../query/statement.ts'

/** The totals of contributors over all rows, in one statement. */

/** The orders, and in this order what breaks ties. */
export const CONTRIBUTOR_KEYS = ['earned', 'weight', 'accepted', 'contributions'] as const
export type ContributorKey = (typeof CONTRIBUTOR_KEYS)[number]

/** One account, whether it contributed or not; the number of contributors; or a page of them. */
export type ContributorRange =
  | { account: string }
  | { count: true }
  | { order: ContributorKey; size: number; after: readonly string[] | undefined }

/** The lines of published reward maps. */
const linesOf = (statement: Statement) =>
  `reward_line l join reward_map m on m.id = l.map_id and m.status = 'Published' and ${statement.visibleAt(tableFor(RewardMap), 'm')}`

export function contributorsSql(statement: Statement, range: ContributorRange): string {
  const contributions = `contribution c where ${statement.visibleAt(tableFor(Contribution), 'c')}`
  if ('count' in range) return `select count(distinct c.contributor)::integer as count from ${contributions}`
  const account = 'account' in range ? statement.bind(range.account, 'text') : undefined
  const of = (column: string) => (account ? `and ${column} = ${account}` : '')
  const claims = `reward_claim r where ${statement.visibleAt(tableFor(RewardClaim), 'r')}`
  const text = `with samples as materialized (
      select c.id, c.contributor, c.status, c.excluded, c.quality, c.uniqueness, c.stake, c.slashed from ${contributions} ${of('c.contributor')}),
    totals as (
      select contributor as account, count(*)::integer as contributions, count(*) filter (where status = 'Accepted')::integer as accepted,
        count(*) filter (where status = 'Rejected')::integer as rejected, count(*) filter (where excluded)::integer as excluded,
        round(avg(quality))::integer as quality, round(avg(uniqueness))::integer as uniqueness, sum(stake) as staked, sum(slashed) as slashed
      from samples group by contributor),
    weights as (
      select s.contributor as account, sum(i.weight)::numeric as weight from version_influence i join samples s on s.id = i.contribution_id group by 1),
    earnings as (select l.account, sum(l.amount) as earned from ${linesOf(statement)} where true ${of('l.account')} group by 1),
    claims as (select r.account, sum(r.amount) as claimed from ${claims} ${of('r.account')} group by 1),
    people as (
      select account, coalesce(contributions, 0) as contributions, coalesce(accepted, 0) as accepted, coalesce(rejected, 0) as rejected,
        coalesce(excluded, 0) as excluded, quality, uniqueness, coalesce(staked, 0) as staked, coalesce(slashed, 0) as slashed,
        coalesce(weight, 0) as weight, coalesce(earned, 0) as earned, coalesce(claimed, 0) as claimed
      from ${account ? `(select ${account} as account) asked left join totals using (account)` : 'totals'}
      left join weights using (account) left join earnings using (account) left join claims using (account))`
  if (!('order' in range)) return `${text} select * from people`
  const { order, size, after } = range
  const keys = [order, ...CONTRIBUTOR_KEYS.filter((key) => key !== order)].map((key) => `-${key}`)
  const sorted = [...keys, 'account'].join(', ')
  const values = after?.map((key, n) => statement.bind(key, n < keys.length ? 'numeric' : 'text'))
  return `${text} select *, array[${keys.map((key) => `(${key})::text`).join(', ')}, account] as keys from people
    ${values ? `where (${sorted}) > (${values.join(', ')})` : ''} order by ${sorted} limit ${size}`
}

/** The largest lines of each account. */
export function reasonsSql(statement: Statement, accounts: readonly string[], most: number): string {
  return `select a.account, coalesce((select jsonb_agg(why) from (
      select jsonb_build_object('epoch', m.epoch, 'role', l.role, 'source', l.source, 'amount', l.amount::text, 'inputs', l.inputs) as why
      from ${linesOf(statement)} where l.account = a.account order by l.amount desc, l.id limit ${most}) r), '[]') as reasons
    from unnest(${statement.bind(accounts, 'text[]')}) a(account)`
}
