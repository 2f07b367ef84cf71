import type { EntityClass } from '#schema/define.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Proposal, Vote } from '#schema/onchain/governance.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { tableFor } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { Statement } from '../query/statement.ts'

/** The maximum number of edges of one relation in a result. */
export const MAX_EDGES = 500

export interface LineageRow {
  relation: string
  fromKind: string | null
  fromId: string | null
  fromLabel: string | null
  toKind: string
  toId: string
  toLabel: string | null
  amount: bigint | null
}

/** One relation of a version `v` (or, with `of: 'm'`, of a model `m`) in the lineage: `from` and `to` are `[kind, id, label]` as SQL over the
 *  tables of `found`. Edges with the largest `amount` come first. */
interface EdgeRelation {
  name: string
  of?: 'm'
  from?: [kind: string, id: string, label: string]
  to: [kind: string, id: string, label: string]
  amount?: string
  /** The source of rows with its conditions: `t join … where …`; without it, the version itself. */
  found?: string
  group?: string
  /** SQL for the label of `from`, evaluated only for the selected edges; null when that row no longer exists. */
  label?: string
}

/** The whole lineage as one recursive statement: first the version with its ancestors, then the edges of each of these versions. `lateral` makes
 *  the planner use an index for each version, because it cannot know how few ancestors there are. */
export function lineageSql(asOf: AsOf, versionId: string, depth: number): { text: string; values: unknown[] } {
  const statement = new Statement(asOf)
  const root = statement.bind(versionId, 'text')
  const deepest = statement.bind(depth, 'integer')
  const rows = (entity: EntityClass, alias: string) => `"${tableFor(entity).table}" ${alias}`
  const visible = (entity: EntityClass, alias: string) => statement.visibleAt(tableFor(entity), alias)
  const where = (entity: EntityClass, alias: string, on: string) =>
    `${rows(entity, alias)} where ${on} and ${visible(entity, alias)}`
  const join = (entity: EntityClass, alias: string, on: string) =>
    `join ${rows(entity, alias)} on ${on} and ${visible(entity, alias)}`
  const version: EdgeRelation['to'] = ['ModelVersion', 'v.id', 'v.method']
  const model: EdgeRelation['to'] = ['Model', 'm.id', 'm.proposer']
  const paid = (condition: string) =>
    `select account, amount, map_id from ${rows(RewardLine, 'l')} where ${condition} and ${visible(RewardLine, 'l')}`
  const relations: EdgeRelation[] = [
    { name: 'self', to: version },
    {
      name: 'parent',
      from: ['ModelVersion', 'p.id', 'p.method'],
      to: version,
      found: where(ModelVersion, 'p', `v.depth < ${deepest} and p.id = v.parent_id`),
    },
    { name: 'model', from: model, to: version, found: where(Model, 'm', 'm.id = v.model_id') },
    {
      name: 'proposal',
      of: 'm',
      from: ['Proposal', 'q.id', 'left(q.description, 120)'],
      to: model,
      found: where(Proposal, 'q', 'q.id = m.proposal_id'),
    },
    {
      name: 'vote',
      of: 'm',
      from: ['Vote', 'o.id', 'o.voter'],
      to: ['Proposal', 'o.proposal_id', 'null'],
      amount: 'o.weight',
      found: where(Vote, 'o', 'o.proposal_id = m.proposal_id'),
    },
    {
      name: 'data',
      from: ['Contribution', 'i.contribution_id', 'null'],
      to: version,
      amount: 'i.weight',
      found: where(VersionInfluence, 'i', 'i.version_id = v.id'),
      label: `(select c.contributor from ${where(Contribution, 'c', 'c.id = e."fromId"')})`,
    },
    {
      name: 'run',
      from: ['JobRun', 'j.id', 'j.kind'],
      to: version,
      found: where(JobRun, 'j', `j.kind in ('fineTune', 'rlhf') and j.result->>'versionId' = v.id`),
    },
    {
      name: 'feedback',
      from: ['Judgement', 'g.id', 'g.validator'],
      to: version,
      amount: 'g.score',
      found: `${rows(FeedbackTask, 'k')} ${join(Judgement, 'g', 'g.task_id = k.id')} where k.version_id = v.id and ${visible(FeedbackTask, 'k')}`,
    },
    {
      name: 'evaluation',
      from: version,
      to: ['Evaluation', 'e.id', 'e.metric'],
      amount: 'e.score',
      found: where(Evaluation, 'e', 'e.version_id = v.id'),
    },
    {
      name: 'endpoint',
      from: version,
      to: ['Endpoint', 'n.id', 'n.url'],
      found: where(Endpoint, 'n', 'n.version_id = v.id'),
    },
    {
      name: 'revenue',
      from: version,
      to: ['Account', 'l.account', 'null'],
      amount: 'sum(l.amount)',
      found: `(${paid(`l.source = 'version:' || v.id`)} union all ${paid(`l.inputs->>'versionId' = v.id and l.source <> 'version:' || v.id`)}) l
        ${join(RewardMap, 'r', `r.id = l.map_id and r.status = 'Published'`)}`,
      group: 'l.account',
    },
  ]
  const text = `with recursive v(id, model_id, parent_id, method, depth) as (
      select s.id, s.model_id, s.parent_id, s.method, 0 from ${where(ModelVersion, 's', `s.id = ${root}`)}
      union all
      select p.id, p.model_id, p.parent_id, p.method, v.depth + 1 from v ${join(ModelVersion, 'p', 'p.id = v.parent_id')} where v.depth < ${deepest}),
    m as (select m.* from (select distinct model_id from v) line cross join lateral
      (select m.id, m.proposer, m.proposal_id from ${where(Model, 'm', 'm.id = line.model_id')}) m)
    ${relations.map(edges).join(' union all ')}`
  return { text, values: statement.values }
}

function edges({ name, of = 'v' as 'm', from, to, amount = 'null', found, group, label }: EdgeRelation): string {
  const [fromKind, fromId, fromLabel] = from ? [`'${from[0]}'`, from[1], from[2]] : ['null', 'null', 'null']
  const largestFirst = `order by amount desc nulls last, "fromId", "toId" limit ${MAX_EDGES + 1}`
  return `(select '${name}' as relation, ${fromKind}::text as "fromKind", "fromId", ${label ?? '"fromLabel"'} as "fromLabel",
      '${to[0]}' as "toKind", "toId", "toLabel", amount::numeric as amount
    from ${of} cross join lateral (select ${fromId} as "fromId", ${fromLabel}::text as "fromLabel", ${to[1]} as "toId",
      ${to[2]}::text as "toLabel", ${amount} as amount ${found ? `from ${found}` : ''} ${group ? `group by ${group}` : ''} ${largestFirst}) e ${largestFirst})`
}
