import type { MetricEvaluation } from '#rules/promotion.ts'
import type { Sql } from '#schema/database.ts'
import { type JobKind, jobDefinition } from '#schema/jobs.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import { isRemoved } from '#schema/offchain/removals.ts'
import type { Policy } from '#schema/policy.ts'
import { targetsOf } from '#schema/promotionFacts.ts'
import { rollingEvaluations } from '../rollingEvaluations.ts'
import {
  type DatanetFacts,
  FINE_TUNED,
  type LiveFacts,
  type LiveJob,
  type ModelFacts,
  type RoundFacts,
  type ServedFacts,
  subjectOf,
  type VersionFacts,
} from './facts.ts'

/** A model with a mandate. */
export interface MandatedModel {
  id: string
  specHash: string
  rubricHash: string
  liveVersionId: string | null
  deadline: Date
  budget: bigint
  funds: bigint
}

export const mandatedModels = async (sql: Sql): Promise<MandatedModel[]> =>
  (
    await sql.query<MandatedModel>(
      `select m.id, m.spec_hash as "specHash", n.rubric_hash as "rubricHash", m.live_version_id as "liveVersionId", n.deadline,
         n.budget::text as budget, (n.funded - n.spent)::text as funds
       from model m join mandate n on n.id = m.id and n.to_block is null where m.to_block is null order by m.id::numeric`,
    )
  ).rows.map((row) => ({ ...row, budget: BigInt(row.budget), funds: BigInt(row.funds) }))

/** The newest indexed block, its time, and the time of now: that time and what has passed since. Undefined while nothing is indexed. */
export async function indexedTime(sql: Sql): Promise<{ block: number; chainTime: Date; now: Date } | undefined> {
  const { rows } = await sql.query<{ block: string; chain_time: Date; now: Date }>(
    `select c.block, b.timestamp as chain_time, b.timestamp + greatest(clock_timestamp() - c.updated_at, interval '0') as now
     from cursor c join block b on b.number = c.block order by c.updated_at desc limit 1`,
  )
  const [found] = rows
  return found && { block: Number(found.block), chainTime: found.chain_time, now: found.now }
}

export interface StewardReader {
  sql: Sql
  /** The account of the worker, in lower case. */
  account: string
  operates: boolean
  /** What a mandate spends at most on a day, in basis points of its budget. */
  dailySpendBps: bigint
  time: { chainTime: Date; now: Date }
}

/** Reads what the decisions about a model rest on. */
export async function readFacts(
  { sql, account, operates, dailySpendBps, time }: StewardReader,
  model: MandatedModel,
  policy: Policy,
): Promise<ModelFacts> {
  const { id: modelId, liveVersionId } = model
  const larger = model.funds > model.budget ? model.funds : model.budget
  return {
    ...{ modelId, policy, operates, now: time.now, chainTime: time.chainTime },
    mandate: {
      deadline: model.deadline,
      funds: model.funds - (await reserved(sql, modelId)),
      dailyCap: (larger * dailySpendBps) / 10_000n,
    },
    targets: await targetsOf(sql, modelId),
    datanets: await datanetsOf(sql, modelId),
    versions: await versionsOf(sql, model),
    live: liveVersionId === null ? null : await liveOf(sql, liveVersionId),
    rounds: await roundsOf(sql, modelId),
    validators: await validators(sql),
    endpoints: await endpointsOf(sql, modelId, account),
    served: policy.monitor ? await servedOf(sql, model, account) : [],
    jobs: await liveJobs(sql, modelId),
  }
}

/** What the steps cost that were asked for and have not ended: some of it may be paid already. */
async function reserved(sql: Sql, modelId: string): Promise<bigint> {
  const { rows } = await sql.query<{ sum: string }>(
    `select coalesce(sum(s.cost), 0)::text as sum from steward_step s join job_run j on j.id = s.job_id where s.model_id = $1 and j.${IS_LIVE}`,
    [modelId],
  )
  return BigInt(rows[0]?.sum ?? 0)
}

async function datanetsOf(sql: Sql, modelId: string): Promise<DatanetFacts[]> {
  const { rows } = await sql.query(
    `select d.id, trained.version_id, trained.at, trained.samples,
       unscored.count::int as unscored, unscored.first_id, unscored.oldest_at,
       counted.accepted::int as accepted, counted.fresh::int as fresh
     from datanet d join model m on m.id = d.model_id and m.to_block is null and m.proposer = d.owner
     left join lateral (
       select v.id as version_id, v.registered_at as at, of_version.samples::int as samples from model_version v
       cross join lateral (
         select count(*) as samples from version_influence i
           join contribution c on c.id = i.contribution_id and c.to_block is null and c.datanet_id = d.id
         where i.version_id = v.id) of_version
       where v.model_id = d.model_id and v.to_block is null and v.method = '${FINE_TUNED}' and of_version.samples > 0
       order by v.id::numeric desc limit 1) trained on true
     cross join lateral (
       select count(*) as count, min(id::numeric)::text as first_id, min(submitted_at) as oldest_at from contribution
       where datanet_id = d.id and to_block is null and status = 'Submitted') unscored
     cross join lateral (
       select count(*) as accepted, count(*) filter (where not exists (
         select 1 from version_influence i where i.id = trained.version_id || '-' || c.id)) as fresh
       from contribution c where c.datanet_id = d.id and c.to_block is null and c.status = 'Accepted' and not c.excluded and not ${isRemoved('c')}) counted
     where d.model_id = $1 and d.to_block is null order by d.id::numeric`,
    [modelId],
  )
  return rows.map((row) => ({
    id: row.id,
    unscored: row.unscored > 0 ? { count: row.unscored, firstId: row.first_id, oldestAt: row.oldest_at } : null,
    accepted: row.accepted,
    fresh: row.fresh,
    trained: row.version_id === null ? null : { versionId: row.version_id, samples: row.samples, at: row.at },
  }))
}

async function versionsOf(sql: Sql, { id, liveVersionId, rubricHash }: MandatedModel): Promise<VersionFacts[]> {
  const { rows } = await sql.query(
    `select v.id, v.method, v.status, coalesce(json_agg(json_build_object(
         'metric', e.metric, 'score', e.score::text, 'lower', e.lower::text, 'upper', e.upper::text, 'n', e.n, 'order', e.id)
         order by e.id::numeric) filter (where e.id is not null), '[]') as metrics
     from model_version v left join evaluation e on e.version_id = v.id and e.rubric_hash = $3 and e.to_block is null
     where v.model_id = $1 and v.to_block is null and v.id::numeric >= coalesce($2, '0')::numeric
     group by v.id, v.method, v.status order by v.id::numeric`,
    [id, liveVersionId, rubricHash],
  )
  return rows.map(({ metrics, ...version }) => ({
    ...version,
    metrics: metrics.map(
      ({ metric, score, lower, upper, n, order }: Record<keyof MetricEvaluation, string>): MetricEvaluation => ({
        metric,
        score: BigInt(score),
        lower: BigInt(lower),
        upper: BigInt(upper),
        n: BigInt(n),
        order: BigInt(order),
      }),
    ),
  }))
}

async function liveOf(sql: Sql, versionId: string): Promise<LiveFacts> {
  const { rows } = await sql.query<Omit<LiveFacts, 'id'>>(
    `select (select count(distinct round_id)::int from feedback_task where version_id = $1 and to_block is null) as rounds,
       (select count(*)::int from feedback_task t where t.version_id = $1 and t.to_block is null and t.settled and exists (
         select 1 from judgement j where j.task_id = t.id and j.to_block is null and j.choice is not null)) as judged,
       exists (select 1 from model_version where parent_id = $1 and to_block is null and method <> '${FINE_TUNED}') as aligned`,
    [versionId],
  )
  return { id: versionId, rounds: 0, judged: 0, aligned: false, ...rows[0] }
}

const roundsOf = async (sql: Sql, modelId: string): Promise<RoundFacts[]> =>
  (
    await sql.query<RoundFacts>(
      `select distinct r.id, t.version_id as "versionId", r.reveal_deadline as "revealDeadline" from feedback_round r
       join feedback_task t on t.round_id = r.id and t.to_block is null and not t.settled
       where r.model_id = $1 and r.to_block is null and not r.settled`,
      [modelId],
    )
  ).rows

const validators = async (sql: Sql): Promise<number> =>
  (
    await sql.query<{ count: number }>(
      'select count(*)::int as count from validator where to_block is null and stake > 0',
    )
  ).rows[0]?.count ?? 0

const endpointsOf = async (sql: Sql, modelId: string, account: string): Promise<{ id: string; versionId: string }[]> =>
  (
    await sql.query<{ id: string; versionId: string }>(
      `select e.id, e.version_id as "versionId" from endpoint e join model_version v on v.id = e.version_id and v.to_block is null
       where v.model_id = $1 and e.host = $2 and e.to_block is null order by e.id::numeric`,
      [modelId, account],
    )
  ).rows

async function servedOf(sql: Sql, { id, rubricHash }: MandatedModel, account: string): Promise<ServedFacts[]> {
  const { rows } = await sql.query<Pick<ServedFacts, 'versionId' | 'disputes'>>(
    `select v.id as "versionId", coalesce((select json_agg(json_build_object('id', d.id, 'outcome', d.outcome, 'isOwn', d.challenger = $2) order by d.id::numeric)
         from dispute d where d.subject = 'Version' and d.subject_id = v.id and d.to_block is null), '[]') as disputes
     from model_version v where v.model_id = $1 and v.to_block is null and v.status = 'Promoted' and exists (
       select 1 from endpoint e where e.version_id = v.id and e.host = $2 and e.to_block is null) order by v.id::numeric`,
    [id, account],
  )
  const served: ServedFacts[] = []
  for (const row of rows) served.push({ ...row, evaluations: await rollingEvaluations(sql, row.versionId, rubricHash) })
  return served
}

/** Jobs of the kinds that the steward asks for; those of other models do not matter. */
async function liveJobs(sql: Sql, modelId: string): Promise<LiveJob[]> {
  const { rows } = await sql.query<{ id: string; kind: string; status: string; input: Record<string, unknown> }>(
    `select j.id, j.kind, j.status, j.input from job_run j where j.${IS_LIVE} and j.kind <> 'infer' and (j.input->>'modelId' = $1
       or exists (select 1 from model_version v where v.id = j.input->>'versionId' and v.model_id = $1 and v.to_block is null)
       or exists (select 1 from datanet d where d.id = j.input->>'datanetId' and d.model_id = $1 and d.to_block is null))`,
    [modelId],
  )
  return rows.flatMap(({ id, kind, status, input }): LiveJob[] =>
    jobDefinition(kind)
      ? [{ id, kind: kind as JobKind, subject: subjectOf(input), ...(status === 'Waiting' && { waits: true }) }]
      : [],
  )
}
