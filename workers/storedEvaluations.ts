import type { MetricEvaluation } from '#rules/promotion.ts'
import type { Sql } from '#schema/database.ts'
import { Evaluation } from '#schema/onchain/models.ts'
import { metricEvaluation } from '#schema/promotionFacts.ts'
import { rowsOf } from '#schema/rows.ts'

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
  ).map((row) => ({ ...metricEvaluation(row), logHash: row.logHash }))
