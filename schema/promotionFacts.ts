import type { MetricEvaluation, MetricTarget } from '#rules/promotion.ts'
import type { Sql } from './database.ts'
import { type Evaluation, Target } from './onchain/models.ts'
import { rowsOf } from './rows.ts'

/** Rows as the rule of promotion takes them. */

/** Contracts of earlier releases let every metric fall. */
export const metricTarget = ({
  metric,
  minimum,
  mayFall,
}: Pick<Target, 'metric' | 'minimum' | 'mayFall'>): MetricTarget => ({ metric, minimum, mayFall: mayFall ?? true })

/** Evaluations count in the order of their ids. */
export const metricEvaluation = ({
  id,
  metric,
  score,
  lower,
  upper,
  n,
}: Pick<Evaluation, 'id' | 'metric' | 'score' | 'lower' | 'upper' | 'n'>): MetricEvaluation => ({
  ...{ metric, score, lower, upper },
  ...{ n: BigInt(n), order: BigInt(id) },
})

/** The targets of a model's mandate, by metric. */
export const targetsOf = async (sql: Sql, modelId: string): Promise<MetricTarget[]> =>
  (await rowsOf(sql, Target, 'model_id = $1', [modelId], { orderBy: 'id' })).map(metricTarget)
