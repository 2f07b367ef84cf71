import type { Sql } from '#schema/database.ts'
import type { StewardState } from '#schema/offchain/steward.ts'
import type { Policy } from '#schema/policy.ts'
import type { Control, IdentifiedStep, StepRecord } from './plan.ts'

/** Plans in the database: what was asked for is kept, and what comes next is replaced by each decision. */

/** The steps of a model that were asked for: those of these occasions, and all whose jobs have not succeeded. */
export async function recordsOf(sql: Sql, modelId: string, occasions: readonly string[]): Promise<StepRecord[]> {
  const { rows } = await sql.query<StepRecord>(
    `select s.id, s.job_id as "jobId", coalesce(j.kind, s.name) as kind, j.status, j.finished_at as "finishedAt", j.error
     from steward_step s left join job_run j on j.id = s.job_id
     where s.model_id = $1 and s.job_id is not null and (j.status <> 'Succeeded' or split_part(s.id, '#', 1) = any($2))
     order by s.decided_at, s.id`,
    [modelId, occasions],
  )
  return rows
}

export async function controlOf(sql: Sql, modelId: string): Promise<Control> {
  const { rows } = await sql.query<Control>(
    `select paused, paused_reason as "pausedReason", resumed_at as "resumedAt" from stewardship where id = $1`,
    [modelId],
  )
  return rows[0] ?? { paused: false, pausedReason: null, resumedAt: null }
}

/** Records that a step was asked for. A second steward that asks for the same records the same. */
export const recordAsked = (sql: Sql, modelId: string, step: IdentifiedStep, jobId: string) =>
  sql.query(
    `insert into steward_step (id, model_id, name, reason, place, cost, job_id, decided_at)
     values ($1, $2, $3, $4, 0, $5, $6, clock_timestamp())
     on conflict (id) do update set reason = excluded.reason, waits_for = null, due_at = null, place = 0, job_id = excluded.job_id,
       decided_at = excluded.decided_at where steward_step.job_id is null`,
    [step.id, modelId, step.name, step.reason, String(step.cost ?? 0n), jobId],
  )

/** Replaces what comes next, of a model or (null) of all. Rows that say the same stay as they are. */
export async function storeNext(
  sql: Sql,
  modelId: string | null,
  steps: readonly Omit<IdentifiedStep, 'kind' | 'input'>[],
) {
  await sql.query(
    'delete from steward_step where model_id is not distinct from $1 and job_id is null and not (id = any($2))',
    [modelId, steps.map(({ id }) => id)],
  )
  await sql.query(
    `insert into steward_step (id, model_id, name, reason, waits_for, due_at, place, cost, decided_at)
     select given.id, $1, given.name, given.reason, given.waits_for, given.due_at, given.place - 1, given.cost, clock_timestamp()
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::numeric[]) with ordinality
       as given(id, name, reason, waits_for, due_at, cost, place)
     on conflict (id) do update set name = excluded.name, reason = excluded.reason, waits_for = excluded.waits_for, due_at = excluded.due_at,
       place = excluded.place, cost = excluded.cost, decided_at = excluded.decided_at
     where steward_step.job_id is null and (steward_step.reason, steward_step.waits_for, steward_step.due_at, steward_step.place, steward_step.cost)
       is distinct from (excluded.reason, excluded.waits_for, excluded.due_at, excluded.place, excluded.cost)`,
    [
      modelId,
      steps.map(({ id }) => id),
      steps.map(({ name }) => name),
      steps.map(({ reason }) => reason),
      steps.map(({ waitsFor }) => waitsFor ?? null),
      steps.map(({ dueAt }) => dueAt?.toISOString() ?? null),
      steps.map(({ cost }) => String(cost ?? 0n)),
    ],
  )
}

export interface Decision {
  state: StewardState
  explanation: string
  policy: Policy | null
}

/** Stores the state of a model. What an operator said stays. */
export const storeDecision = (sql: Sql, modelId: string, block: number, { state, explanation, policy }: Decision) =>
  sql.query(
    `insert into stewardship (id, model_id, state, explanation, policy, block, decided_at)
     values ($1, $1, $2, $3, $4, $5, clock_timestamp())
     on conflict (id) do update set state = excluded.state, explanation = excluded.explanation, policy = excluded.policy,
       block = excluded.block, decided_at = excluded.decided_at`,
    [modelId, state, explanation, policy && JSON.stringify(policy), block],
  )
