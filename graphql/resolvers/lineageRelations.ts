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
import { isKeptFor } from '#schema/rows.ts'

/** What a lineage consists of: kinds of nodes, and the relations between them. */

export type LineageDirection = 'record' | 'causes' | 'effects'

/** The entities of a lineage; an account is a node without an entity. */
export const LINEAGE_ENTITIES = {
  ModelVersion,
  Model,
  Proposal,
  Vote,
  Contribution,
  JobRun,
  Judgement,
  Evaluation,
  Endpoint,
}
export type LineageKind = keyof typeof LINEAGE_ENTITIES | 'Account'

const DESCRIPTION = `(select kept.description from proposal_content kept where ${isKeptFor('q')})`

interface AmountKind {
  /** The type of a comparison, which is that of an index on the amount, if there is one. */
  type: 'bigint' | 'numeric'
  nullable?: true
}

/** The relations in the order in which pages have them (those that may have very many edges are late), and what their amounts are. Within one relation, the
 *  largest amounts come first. */
export const LINEAGE_RELATIONS = {
  parent: null,
  model: null,
  proposal: null,
  run: null,
  endpoint: null,
  evaluation: { type: 'numeric' },
  feedback: { type: 'bigint', nullable: true },
  vote: { type: 'numeric' },
  revenue: { type: 'numeric' },
  data: { type: 'bigint' },
} satisfies Record<string, AmountKind | null>
export type RelationName = keyof typeof LINEAGE_RELATIONS
export const amountKind = (name: RelationName): AmountKind | null => LINEAGE_RELATIONS[name]

/** The SQL that relations are written in: the rows of an entity that are visible as of the statement's block. */
export interface LineageTables {
  where: (entity: EntityClass, alias: string, on: string, joined?: string) => string
  join: (entity: EntityClass, alias: string, on: string) => string
  /** The placeholder of the number of generations. */
  deepest: string
}

type LineageEnd = [kind: LineageKind, id: string, label: string]

/** One relation: `from` and `to` as SQL over the tables of `found` and one row of `of`, a set that the walk has reached: versions `v`, models `m` or
 *  proposals `p`. */
export interface EdgeRelation {
  name: RelationName
  of: 'v' | 'm' | 'p'
  from: LineageEnd
  to: LineageEnd
  amount?: string
  /** The source of rows with its conditions: `t join … where …`. */
  found: string
  group?: string
  /** SQL for the label of `from`, evaluated only for the edges of the page; null when that row no longer exists. */
  label?: string
  /** Whether a walk against the arrows follows it (`cause`), one along them (`effect`), or each. The others include it only where it ends at their start. */
  walk: 'cause' | 'effect' | 'each'
}

/** Rewards of published maps that the revenue of the version `version` (SQL) paid. */
export function revenueSql({ where, join }: LineageTables, version: string): string {
  const paid = (condition: string) => `select account, amount, map_id from ${where(RewardLine, 'l', condition)}`
  return `(${paid(`l.source = 'version:' || ${version}`)} union all ${paid(`l.inputs->>'versionId' = ${version} and l.source <> 'version:' || ${version}`)}) l
    ${join(RewardMap, 'r', `r.id = l.map_id and r.status = 'Published'`)}`
}

/** All relations, in the order of `LINEAGE_RELATIONS`. */
export function lineageRelations(tables: LineageTables, upward: boolean): EdgeRelation[] {
  const { where, join, deepest } = tables
  const version: LineageEnd = ['ModelVersion', 'v.id', 'v.method']
  const model: LineageEnd = ['Model', 'm.id', 'm.proposer']
  const relative: LineageEnd = ['ModelVersion', 'r.id', 'r.method']
  const tie = upward ? 'r.id = v.parent_id' : 'r.parent_id = v.id'
  return [
    {
      ...{ name: 'parent', of: 'v', walk: 'each' },
      ...(upward ? { from: relative, to: version } : { from: version, to: relative }),
      found: where(ModelVersion, 'r', `v.depth < ${deepest} and ${tie}`),
    },
    { name: 'model', of: 'v', walk: 'each', from: model, to: version, found: 'm where m.id = v.model_id' },
    {
      ...{ name: 'proposal', of: 'm', walk: 'each' },
      ...{ from: ['Proposal', 'q.id', `left(${DESCRIPTION}, 120)`], to: model },
      found: `p ${join(Proposal, 'q', 'q.id = p.id')} where p.id = m.proposal_id`,
    },
    {
      ...{ name: 'run', of: 'v', walk: 'cause' },
      ...{ from: ['JobRun', 'j.id', 'j.kind'], to: version },
      found: where(JobRun, 'j', `${TRAINING_JOB} and j.result->>'versionId' = v.id`),
    },
    {
      ...{ name: 'endpoint', of: 'v', walk: 'effect' },
      ...{ from: version, to: ['Endpoint', 'n.id', 'n.url'] },
      found: where(Endpoint, 'n', 'n.version_id = v.id'),
    },
    {
      ...{ name: 'evaluation', of: 'v', walk: 'effect' },
      ...{ from: version, to: ['Evaluation', 'e.id', 'e.metric'] },
      amount: 'e.score',
      found: where(Evaluation, 'e', 'e.version_id = v.id'),
    },
    {
      ...{ name: 'feedback', of: 'v', walk: 'cause' },
      ...{ from: ['Judgement', 'g.id', 'g.validator'], to: version },
      amount: 'g.score',
      found: where(FeedbackTask, 'k', 'k.version_id = v.id', join(Judgement, 'g', 'g.task_id = k.id')),
    },
    {
      ...{ name: 'vote', of: 'p', walk: 'cause' },
      ...{ from: ['Vote', 'o.id', 'o.voter'], to: ['Proposal', 'p.id', 'null'] },
      amount: 'o.weight',
      found: where(Vote, 'o', 'o.proposal_id = p.id'),
    },
    {
      ...{ name: 'revenue', of: 'v', walk: 'effect' },
      ...{ from: version, to: ['Account', 'l.account', 'null'] },
      amount: 'sum(l.amount)',
      found: `${revenueSql(tables, 'v.id')} where true`,
      group: 'l.account',
    },
    {
      ...{ name: 'data', of: 'v', walk: 'cause' },
      ...{ from: ['Contribution', 'i.contribution_id', 'null'], to: version },
      amount: 'i.weight',
      found: where(VersionInfluence, 'i', 'i.version_id = v.id'),
      label: `(select c.contributor from ${where(Contribution, 'c', 'c.id = e."fromId"')})`,
    },
  ]
}

/** Jobs whose result is a version. */
export const TRAINING_JOB = `j.kind in ('fineTune', 'rlhf')`
