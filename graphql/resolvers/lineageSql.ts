import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Proposal, Vote } from '#schema/onchain/governance.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { tableFor } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { Statement } from '../query/statement.ts'
import type { LineagePosition } from './lineageCursor.ts'
import {
  amountKind,
  type EdgeRelation,
  LINEAGE_ENTITIES,
  type LineageDirection,
  type LineageKind,
  type LineageTables,
  lineageRelations,
  TRAINING_JOB,
} from './lineageRelations.ts'

/** One edge; the first row of a result is the start itself, with `relation` self. */
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

export interface LineageRequest {
  kind: LineageKind
  id: string
  direction: LineageDirection
  depth: number
  size: number
  after: LineagePosition | undefined
}

const NONE = 'select null::text where false'
const LARGEST_FIRST = 'amount desc nulls last, "fromId", "toId"'

/** One page of a lineage as one statement: first the versions, models and proposals that the walk reaches, then the next edges of each relation, at most
 *  `size + 1`. `lateral` makes the planner use an index for each version, because it cannot know how few there are. */
export function lineageSql(asOf: AsOf, request: LineageRequest): { text: string; values: unknown[] } {
  const statement = new Statement(asOf)
  const root = statement.bind(request.id, 'text')
  const tables: LineageTables = {
    deepest: statement.bind(request.depth, 'integer'),
    where: (entity, alias, on, joined = '') =>
      `"${tableFor(entity).table}" ${alias} ${joined} where ${on} and ${statement.visibleAt(tableFor(entity), alias)}`,
    join: (entity, alias, on) =>
      `join "${tableFor(entity).table}" ${alias} on ${on} and ${statement.visibleAt(tableFor(entity), alias)}`,
  }
  const upward = request.direction !== 'effects'
  const relations = lineageRelations(tables, upward)
  const { after } = request
  const reached = after ? relations.findIndex(({ name }) => name === after.relation) : 0
  const limit = request.size + 1
  const pages = relations.flatMap((relation, rank) => {
    const only = endOfStart(relation, request)
    if (rank < reached || only === 'left out') return []
    const position = rank === reached ? after : undefined
    return [edgesSql(relation, rank, only && `${only} = ${root}`, position && keyset(statement, position), limit)]
  })
  const text = `with recursive ${upward ? walkUp(tables, request.kind, root) : walkDown(tables, request.kind, root)}
    select * from (${[selfSql(tables, request.kind, root), ...pages].join(' union all ')}) e order by rank, ${LARGEST_FIRST} limit ${limit + 1}`
  return { text, values: statement.values }
}

/** The SQL for the end of a relation that must be the start; undefined when the walk has all its edges, `left out` when it has none. */
function endOfStart({ walk, from, to }: EdgeRelation, { kind, direction }: LineageRequest) {
  if (walk === 'each' || direction === 'record') return undefined
  if (direction === 'causes') return walk === 'cause' ? undefined : to[0] === kind ? to[1] : 'left out'
  return walk === 'effect' ? undefined : from[0] === kind ? from[1] : 'left out'
}

function selfSql({ where }: LineageTables, kind: LineageKind, root: string): string {
  const found =
    kind === 'Account'
      ? ''
      : `from ${where(LINEAGE_ENTITIES[kind], 'j', `j.id = ${root}${kind === 'JobRun' ? ` and ${TRAINING_JOB}` : ''}`)}`
  const label = kind === 'ModelVersion' ? 'j.method' : kind === 'Model' ? 'j.proposer' : 'null'
  return `(select -1 as rank, 'self' as relation, null::text as "fromKind", null::text as "fromId", null::text as "fromLabel",
    '${kind}' as "toKind", ${root} as "toId", ${label} as "toLabel", null::numeric as amount ${found})`
}

function edgesSql(
  { name, of, from, to, amount, found, group, label }: EdgeRelation,
  rank: number,
  only: string | undefined,
  after: string | undefined,
  limit: number,
): string {
  return `(select ${rank} as rank, '${name}' as relation, '${from[0]}' as "fromKind", "fromId", ${label ?? '"fromLabel"'} as "fromLabel",
      '${to[0]}' as "toKind", "toId", "toLabel", amount::numeric as amount
    from ${of} cross join lateral (select * from (select ${from[1]} as "fromId", ${from[2]}::text as "fromLabel", ${to[1]} as "toId",
      ${to[2]}::text as "toLabel", ${amount ?? 'null::numeric'} as amount from ${found} ${only ? `and ${only}` : ''} ${group ? `group by ${group}` : ''}) e
      ${after ? `where ${after}` : ''} order by ${LARGEST_FIRST} limit ${limit}) e order by ${LARGEST_FIRST} limit ${limit})`
}

/** The condition for edges after a position. `amount <=` lets an index on the amount start there. */
function keyset(statement: Statement, after: LineagePosition): string {
  const amount = amountKind(after.relation)
  const ids = `("fromId", "toId") > (${statement.bind(after.fromId, 'text')}, ${statement.bind(after.toId, 'text')})`
  if (!amount) return ids
  if (after.amount === null) return `amount is null and ${ids}`
  const value = statement.bind(after.amount, amount.type)
  const later = `amount <= ${value} and (amount < ${value} or ${ids})`
  return amount.nullable ? `(${later} or amount is null)` : later
}

/** `v`, `m` and `p`: what led to the start. */
function walkUp({ where, join, deepest }: LineageTables, kind: LineageKind, root: string): string {
  const published = join(RewardMap, 'r', `r.id = l.map_id and r.status = 'Published'`)
  const starts: Partial<Record<LineageKind, string>> = {
    ModelVersion: `select ${root}`,
    Evaluation: `select e.version_id from ${where(Evaluation, 'e', `e.id = ${root}`)}`,
    Endpoint: `select n.version_id from ${where(Endpoint, 'n', `n.id = ${root}`)}`,
    Account: `select substr(l.source, 9) from ${where(RewardLine, 'l', `l.account = ${root} and l.source like 'version:%'`, published)}
      union select l.inputs->>'versionId' from ${where(RewardLine, 'l', `l.account = ${root} and l.inputs->>'versionId' is not null`, published)}`,
  }
  return `${versions(`p.id = w.parent_id`, { where, join, deepest }, starts[kind])},
    m as (select m.* from (select model_id from v ${kind === 'Model' ? `union select ${root}` : 'group by 1'}) line cross join lateral
      (select m.id, m.proposer, m.proposal_id from ${where(Model, 'm', 'm.id = line.model_id')}) m),
    p as (select proposal_id as id from m ${kind === 'Proposal' ? `union select ${root}` : 'group by 1'})`
}

/** `p`, `m` and `v`: what came of the start. */
function walkDown({ where, join, deepest }: LineageTables, kind: LineageKind, root: string): string {
  const proposals: Partial<Record<LineageKind, string>> = {
    Proposal: `select q.id from ${where(Proposal, 'q', `q.id = ${root}`)}`,
    Vote: `select o.proposal_id from ${where(Vote, 'o', `o.id = ${root}`)}`,
  }
  const ofModels = `select c.id from m ${join(ModelVersion, 'c', 'c.model_id = m.id')}`
  const starts: Partial<Record<LineageKind, string>> = {
    ModelVersion: `select ${root}`,
    Contribution: `select i.version_id from ${where(VersionInfluence, 'i', `i.contribution_id = ${root}`)}`,
    JobRun: `select j.result->>'versionId' from ${where(JobRun, 'j', `j.id = ${root} and ${TRAINING_JOB}`)}`,
    Judgement: `select k.version_id from ${where(Judgement, 'g', `g.id = ${root}`, join(FeedbackTask, 'k', 'k.id = g.task_id'))}`,
    Model: ofModels,
    Proposal: ofModels,
    Vote: ofModels,
  }
  const model = kind === 'Model' ? `m.id = ${root}` : 'm.proposal_id in (select id from p)'
  return `p(id) as (${proposals[kind] ?? NONE}),
    m as (select m.id, m.proposer, m.proposal_id from ${where(Model, 'm', model)}),
    ${versions('p.parent_id = w.id', { where, join, deepest }, starts[kind])}`
}

/** `v`: the versions from the starts on, each with the smallest number of generations. */
function versions(next: string, { where, join, deepest }: LineageTables, starts = NONE): string {
  const columns = (alias: string) => `${alias}.id, ${alias}.model_id, ${alias}.parent_id, ${alias}.method`
  return `walk(id, model_id, parent_id, method, depth) as (
      select ${columns('s')}, 0 from ${where(ModelVersion, 's', `s.id in (${starts})`)}
      union all
      select ${columns('p')}, w.depth + 1 from walk w ${join(ModelVersion, 'p', next)} where w.depth < ${deepest}),
    v as (select distinct on (id) * from walk order by id, depth)`
}
