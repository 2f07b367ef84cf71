import { z } from 'zod'
import type { MetricTarget } from '#rules/promotion.ts'
import { type FallenTarget, fallenTargets, type MeasuredMetric } from '#rules/rollingEvaluation.ts'
import type { Sql } from '#schema/database.ts'

/** What the jobs `monitorVersion` have found: their results. Only workers write them, so that no caller can make a version look worse than it is. */

const ppm = z.string().transform(BigInt)

export const monitorResult = z.object({
  versionId: z.string(),
  rubric: z.string(),
  /** Since 1970. */
  period: z.number(),
  everySeconds: z.number(),
  /** From 0. */
  part: z.number(),
  parts: z.number(),
  metrics: z.array(z.object({ metric: z.string(), score: ppm, lower: ppm, upper: ppm, n: ppm })),
})

export type RollingEvaluation = z.output<typeof monitorResult>

/** Enough for two rotations of the most parts. */
const NEWEST = 128

/** When a period begins, in unix seconds: comparable although an operator changes the length of periods. */
export const periodStart = ({ period, everySeconds }: Pick<RollingEvaluation, 'period' | 'everySeconds'>): number =>
  period * everySeconds

/** Those of a version under a rubric, newest period first. */
export async function rollingEvaluations(sql: Sql, versionId: string, rubric: string): Promise<RollingEvaluation[]> {
  const { rows } = await sql.query<{ result: unknown }>(
    `select result from job_run where kind = 'monitorVersion' and status = 'Succeeded' and input->>'versionId' = $1 and result->>'rubric' = $2
     order by (result->>'period')::numeric * (result->>'everySeconds')::numeric desc limit ${NEWEST}`,
    [versionId, rubric],
  )
  return rows.map(({ result }) => monitorResult.parse(result))
}

/** Where a version stands by its newest measurements. */
export interface RollingStanding {
  /** The turn of the newest period: in each, every part has its period. */
  rotation: number
  /** How many parts have no measurement of this rotation or the one before. */
  missing: number
  parts: number
  fallen: FallenTarget[]
}

/** The newest measurement of each part counts. What is older than two rotations does not: the version may answer otherwise since.
 *  @returns undefined when nothing was measured yet. */
export function rollingStanding(
  targets: readonly MetricTarget[],
  evaluations: readonly RollingEvaluation[],
): RollingStanding | undefined {
  const [newest] = evaluations
  if (!newest) return undefined
  const { parts, everySeconds } = newest
  const since = periodStart(newest) - 2 * parts * everySeconds
  const byPart = new Map<number, MeasuredMetric[]>()
  for (const one of evaluations)
    if (one.parts === parts && periodStart(one) > since && !byPart.has(one.part)) byPart.set(one.part, one.metrics)
  const missing = parts - byPart.size
  return {
    rotation: Math.floor(periodStart(newest) / (parts * everySeconds)),
    missing,
    parts,
    fallen: missing > 0 ? [] : fallenTargets(targets, [...byPart.values()]),
  }
}
