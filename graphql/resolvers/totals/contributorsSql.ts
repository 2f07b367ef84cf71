import { tableOf } from '#schema/define.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { ContributorTotal } from '#schema/onchain/totals.ts'
import { tableFor } from '../../publicTables.ts'
import type { Statement } from '../../query/statement.ts'

/** The totals of contributors, from those that the indexer and the settlement keep. */

/** The orders, and in this order what breaks ties. */
export const CONTRIBUTOR_KEYS = ['earned', 'accepted', 'contributions'] as const
export type ContributorKey = (typeof CONTRIBUTOR_KEYS)[number]

const published = (statement: Statement, alias: string) =>
  `${alias}.status = 'Published' and ${statement.visibleAt(tableFor(RewardMap), alias)}`

/** The versions of totals that stand at a position. Those that still stand and those that ended later are read apart, each from an index that has all that
 *  is asked for. */
const standing = (columns: string, table: string, unit: 'block' | 'epoch', at: string) =>
  `(select ${columns} from ${table} where to_${unit} is null and from_${unit} <= ${at}
    union all select ${columns} from ${table} where to_${unit} > ${at} and from_${unit} <= ${at})`

/** What accounts have earned up to the newest published epoch. */
const earnings = (statement: Statement) =>
  standing(
    'account, earned',
    'earning',
    'epoch',
    `(select coalesce(max(m.epoch), 0) from reward_map m where ${published(statement, 'm')})`,
  )

const COUNTED = ['contributions', 'accepted', 'rejected', 'excluded', 'staked', 'slashed']

/** All totals of `people`: SQL of their accounts and of what they earned. */
const totals = (statement: Statement, people: string) =>
  `select people.account, ${COUNTED.map((column) => `coalesce(kept.${column}, 0) as ${column}`).join(', ')}, people.earned,
     round(kept.quality / nullif(kept.scored, 0))::integer as quality, round(kept.uniqueness / nullif(kept.scored, 0))::integer as uniqueness
   from (${people}) people left join lateral ${statement.totalAt(tableOf(ContributorTotal), 'people.account')} kept on true`

/** The totals of one account, whether it contributed or not. */
export function contributorSql(statement: Statement, account: string): string {
  const given = statement.bind(account, 'text')
  const earned = `(select earned from ${earnings(statement)} e where e.account = ${given})`
  return totals(statement, `select ${given} as account, coalesce(${earned}, 0) as earned`)
}

/** A page of all who contributed. */
export function contributorsSql(
  statement: Statement,
  { order, size, after }: { order: ContributorKey; size: number; after: readonly string[] | undefined },
): string {
  const keys = [order, ...CONTRIBUTOR_KEYS.filter((key) => key !== order)]
  const values = after?.map((key, n) => statement.bind(key, n < keys.length ? 'numeric' : 'text'))
  const sorted = `order by ${keys.map((key) => `${key} desc`).join(', ')}, account`
  const block = statement.bind(statement.asOf.block ?? Number.MAX_SAFE_INTEGER, 'bigint')
  const people = standing('id as account, accepted, contributions', 'contributor_total', 'block', block)
  const page = `select * from (
      select people.*, coalesce(e.earned, 0) as earned from ${people} people left join ${earnings(statement)} e using (account)) people
    ${values ? `where (${keys.map((key) => `-${key}`).join(', ')}, account) > (${values.join(', ')})` : ''} ${sorted} limit ${size}`
  return `select *, array[${keys.map((key) => `(-${key})::text`).join(', ')}, account] as keys from (${totals(statement, page)}) page ${sorted}`
}

/** The attribution weight of accounts in all versions, at present. */
export const weightsSql = (statement: Statement, accounts: readonly string[]) =>
  `select c.contributor as account, sum(i.weight)::numeric as weight from contribution c join version_influence i on i.contribution_id = c.id
   where c.contributor = any(${statement.bind(accounts, 'text[]')}) and ${statement.visibleAt(tableFor(Contribution), 'c')} group by c.contributor`

/** The largest lines of each account. */
export const reasonsSql = (statement: Statement, accounts: readonly string[], most: number) =>
  `select a.account, coalesce((select jsonb_agg(why) from (
      select jsonb_build_object('epoch', m.epoch, 'role', l.role, 'source', l.source, 'amount', l.amount::text, 'inputs', l.inputs) as why
      from reward_line l join reward_map m on m.id = l.map_id and ${published(statement, 'm')} where l.account = a.account order by l.amount desc, l.id limit ${most}) r), '[]') as reasons
    from unnest(${statement.bind(accounts, 'text[]')}) a(account)`
