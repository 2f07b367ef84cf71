import type { MetricEvaluation, MetricTarget } from '#rules/promotion.ts'
import type { Sql } from '#schema/database.ts'
import { Evaluation, Target } from '#schema/onchain/models.ts'
import { rowsOf } from '#schema/rows.ts'

/** The targets of a model's mandate. Contracts of earlier releases let every metric fall. */
export const targetsOf = async (sql: Sql, modelId: string): Promise<MetricTarget[]> =>
  (await rowsOf(sql, Target, 'model_id = $1', [modelId], { orderBy: 'id' })).map(({ metric, minimum, mayFall }) => ({
    metric,
    minimum,
    mayFall: mayFall ?? true,
  }))

/** What was logged of a version under a rubric, one entry for each metric. */
export const evaluationsOf = async (
  sql: Sql,
  versionId: string,
  rubricHash: string,
): Promise<(MetricEvaluation & { logHash: string })[]> =>
  (
    await rowsOf(sql, Evaluation, 'version_id = $1 and rubric_hash = $2', [versionId, rubricHash], {
      orderBy: 'id::numeric',
    })
  ).map(({ id, metric, score, lower, upper, n, logHash }) => ({
    metric,
    score,
    lower,
    upper,
    n: BigInt(n),
    order: BigInt(id),
    logHash,
  }))
