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
import { tableFor } from '../names.ts'
import type { Moment } from '../query/moment.ts'
import { Statement } from '../query/statement.ts'

/** The most edges of one relation that are told. */
export const MOST = 500

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

/** One edge relation: `from` and `to` are `[kind, id, label]` in SQL, over tables that meet the versions of the line `v`. */
interface Relation {
  name: string
  from?: [kind: string, id: string, label: string]
  to: [kind: string, id: string, label: string]
  amount?: string
  tables: string
  group?: string
}

/** The whole lineage as one recursive statement: the line of parents first, then whatever led to each version of it. */
export function lineageSql(moment: Moment, versionId: string, depth: number): { text: string; values: unknown[] } {
  const statement = new Statement(moment)
  const root = statement.bind(versionId, 'text')
  const deepest = statement.bind(depth, 'integer')
  const stands = (entity: EntityClass, alias: string) => statement.stands(tableFor(entity), alias)
  const join = (entity: EntityClass, alias: string, on: string) =>
    `join "${tableFor(entity).table}" ${alias} on ${on} and ${stands(entity, alias)}`
  const version: Relation['to'] = ['ModelVersion', 'v.id', 'v.method']
  const models = `(select distinct model_id from v) line ${join(Model, 'm', 'm.id = line.model_id')}`
  const relations: Relation[] = [
    { name: 'self', to: version, tables: 'v' },
    {
      name: 'parent',
      from: ['ModelVersion', 'p.id', 'p.method'],
      to: version,
      tables: `v ${join(ModelVersion, 'p', 'p.id = v.parent_id')} where v.depth < ${deepest}`,
    },
    {
      name: 'model',
      from: ['Model', 'm.id', 'm.proposer'],
      to: version,
      tables: `v ${join(Model, 'm', 'm.id = v.model_id')}`,
    },
    {
      name: 'proposal',
      from: ['Proposal', 'q.id', 'left(q.description, 120)'],
      to: ['Model', 'm.id', 'm.proposer'],
      tables: `${models} ${join(Proposal, 'q', 'q.id = m.proposal_id')}`,
    },
    {
      name: 'vote',
      from: ['Vote', 'o.id', 'o.voter'],
      to: ['Proposal', 'o.proposal_id', 'null'],
      amount: 'o.weight',
      tables: `${models} ${join(Vote, 'o', 'o.proposal_id = m.proposal_id')}`,
    },
    {
      name: 'data',
      from: ['Contribution', 'c.id', 'c.contributor'],
      to: version,
      amount: 'i.weight',
      tables: `v ${join(VersionInfluence, 'i', 'i.version_id = v.id')} ${join(Contribution, 'c', 'c.id = i.contribution_id')}`,
    },
    {
      name: 'run',
      from: ['JobRun', 'j.id', 'j.kind'],
      to: version,
      tables: `v ${join(JobRun, 'j', `j.kind in ('fineTune', 'rlhf') and j.result->>'versionId' = v.id`)}`,
    },
    {
      name: 'feedback',
      from: ['Judgement', 'g.id', 'g.validator'],
      to: version,
      amount: 'g.score',
      tables: `v ${join(FeedbackTask, 'k', 'k.version_id = v.id')} ${join(Judgement, 'g', 'g.task_id = k.id')}`,
    },
    {
      name: 'evaluation',
      from: version,
      to: ['Evaluation', 'e.id', 'e.metric'],
      amount: 'e.score',
      tables: `v ${join(Evaluation, 'e', 'e.version_id = v.id')}`,
    },
    {
      name: 'endpoint',
      from: version,
      to: ['Endpoint', 'n.id', 'n.url'],
      tables: `v ${join(Endpoint, 'n', 'n.version_id = v.id')}`,
    },
    {
      name: 'revenue',
      from: version,
      to: ['Account', 'l.account', 'null'],
      amount: 'sum(l.amount)',
      tables: `v ${join(RewardLine, 'l', `(l.source = 'version:' || v.id or l.inputs->>'versionId' = v.id)`)} ${join(RewardMap, 'r', `r.id = l.map_id and r.status = 'Published'`)}`,
      group: 'v.id, v.method, l.account',
    },
  ]
  const text = `with recursive v(id, model_id, parent_id, method, depth) as (
      select s.id, s.model_id, s.parent_id, s.method, 0 from model_version s where s.id = ${root} and ${stands(ModelVersion, 's')}
      union all
      select p.id, p.model_id, p.parent_id, p.method, v.depth + 1 from v ${join(ModelVersion, 'p', 'p.id = v.parent_id')} where v.depth < ${deepest})
    ${relations.map(edges).join(' union all ')}`
  return { text, values: statement.values }
}

function edges({ name, from, to, amount = 'null', tables, group }: Relation): string {
  const [fromKind, fromId, fromLabel] = from ? [`'${from[0]}'`, from[1], from[2]] : ['null', 'null', 'null']
  return `(select '${name}' as relation, ${fromKind}::text as "fromKind", ${fromId}::text as "fromId", ${fromLabel}::text as "fromLabel",
      '${to[0]}' as "toKind", ${to[1]} as "toId", ${to[2]}::text as "toLabel", ${amount}::numeric as amount
    from ${tables} ${group ? `group by ${group}` : ''} order by amount desc nulls last, "fromId", "toId" limit ${MOST + 1})`
}
