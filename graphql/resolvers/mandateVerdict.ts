import type { GraphQLResolveInfo } from 'graphql'
import { Ctx, Extensions, Field, FieldResolver, ID, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { firstOfEach, judgeVersion, type MetricEvaluation, type MetricTarget } from '#rules/promotion.ts'
import { declareEnum } from '#schema/declareEnum.ts'
import { Evaluation, Mandate, Model, ModelVersion, Target } from '#schema/onchain/models.ts'
import { metricEvaluation, metricTarget } from '#schema/promotionFacts.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { listLength } from '../plugins/listLength.ts'
import { tableFor } from '../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../query/page.ts'
import type { Reader } from '../query/reader.ts'
import { Statement } from '../query/statement.ts'

/** Whether versions meet their mandates, by the rule that the contracts apply when a version is promoted. */

/** `ModelRegistry.MAX_TARGETS`. */
const MAX_TARGETS = 16

const VERDICTS = declareEnum('TargetVerdict', 'How a version compares with one target.', {
  met: 'The lower bound of the interval reaches the minimum.',
  missed: 'The upper bound is below the minimum.',
  undecided: 'The interval contains the minimum: not met, but more items could decide.',
  unmeasured: 'The metric has not been evaluated under the mandate’s rubric.',
  worse: 'The minimum is reached, but the upper bound is below the lower bound of the live version.',
})

@ObjectType({ description: 'A target of the mandate, and what was measured of a version.', simpleResolvers: true })
export class MeasuredTarget {
  @Field(() => String, { description: 'The name of the metric.' }) metric!: string
  @Field(() => BigIntScalar, { description: 'What the lower bound must reach, in ppm.' }) minimum!: bigint
  @Field(() => Boolean, {
    description: 'Whether a version may serve that is significantly worse at it than the live one.',
  })
  mayFall!: boolean
  @Field(() => Boolean, { description: 'Whether the target is met.' }) met!: boolean
  @Field(() => VERDICTS, { description: 'The comparison of the interval with the minimum and with the live version.' })
  verdict!: keyof typeof VERDICTS
  @Field(() => String, { description: 'Why, with the figures, and what would change it.' }) reason!: string
  @Field(() => ID, {
    nullable: true,
    description: 'The evaluation that counts: the first of the metric under the rubric.',
  })
  evaluationId!: string | null
  @Field(() => BigIntScalar, { nullable: true, description: 'The measured score, in ppm.' }) score!: bigint | null
  @Field(() => BigIntScalar, { nullable: true, description: 'The lower bound of its 95 % interval, in ppm.' })
  lower!: bigint | null
  @Field(() => BigIntScalar, { nullable: true, description: 'The upper bound of its 95 % interval, in ppm.' })
  upper!: bigint | null
  @Field(() => Int, { nullable: true, description: 'The number of items on which it was measured.' }) n!: number | null
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'The lower bound of the live version, in ppm, where this one may not be significantly worse.',
  })
  liveLower!: bigint | null
}

@ObjectType({
  description: 'Whether a version may serve under the mandate of its model, and why.',
  simpleResolvers: true,
})
export class MandateVerdict {
  @Field(() => Boolean, { description: 'Whether every target is met. No version meets a mandate without targets.' })
  met!: boolean
  @Field(() => String, { description: 'The reasons of the targets that are not met; otherwise, that all are.' })
  reason!: string
  @Extensions(listLength(() => MAX_TARGETS))
  @Field(() => [MeasuredTarget], { description: 'Every target of the mandate, sorted by metric.' })
  targets!: MeasuredTarget[]
}

@Resolver(() => ModelVersion)
export class MandateVerdictResolver {
  @FieldResolver(() => MandateVerdict, {
    description:
      'Whether the version meets the mandate of its model: each target with the measured interval, the verdict and the reason, as of the same point in the chain.',
    complexity: 20,
  })
  async meetsMandate(
    @Root() row: LoadedRow,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<MandateVerdict> {
    const found = await reader.forField<MandateVerdict>(info, row[ROW_AS_OF], row.id, (versions) =>
      judgeAll(reader, row, versions),
    )
    return found ?? { met: false, reason: 'The model of the version is not known.', targets: [] }
  }
}

interface Judged {
  id: string
  modelId: string
  liveId: string | null
  rubric: string | null
}

async function judgeAll(
  reader: Reader,
  { [ROW_AS_OF]: asOf }: LoadedRow,
  versions: readonly string[],
): Promise<Map<string, MandateVerdict>> {
  const read = async <T>(text: (statement: Statement) => string): Promise<T[]> => {
    const statement = new Statement(asOf)
    return (await reader.sql.query(text(statement), statement.values)).rows as T[]
  }
  const visible = (statement: Statement, entity: typeof Model | typeof Mandate | typeof ModelVersion, alias: string) =>
    statement.visibleAt(tableFor(entity), alias)
  const judged = await read<Judged>(
    (statement) => `select v.id, v.model_id as "modelId", m.live_version_id as "liveId", a.rubric_hash as rubric
      from model_version v join model m on m.id = v.model_id and ${visible(statement, Model, 'm')}
      left join mandate a on a.model_id = m.id and ${visible(statement, Mandate, 'a')}
      where v.id = any(${statement.bind(versions, 'text[]')}) and ${visible(statement, ModelVersion, 'v')}`,
  )
  const models = [...new Set(judged.map(({ modelId }) => modelId))]
  const targets = await read<Pick<Target, 'modelId' | 'metric' | 'minimum' | 'mayFall'>>(
    (statement) => `select t.model_id as "modelId", t.metric, t.minimum, t.may_fall as "mayFall"
      from target t where t.model_id = any(${statement.bind(models, 'text[]')}) and ${statement.visibleAt(tableFor(Target), 't')} order by t.metric`,
  )
  const measured = [...new Set(judged.flatMap(({ id, liveId }) => (liveId === null ? [id] : [id, liveId])))]
  const evaluations = await read<Parameters<typeof metricEvaluation>[0] & { versionId: string; rubric: string }>(
    (
      statement,
    ) => `select e.id, e.version_id as "versionId", e.rubric_hash as rubric, e.metric, e.score, e.lower, e.upper, e.n
      from evaluation e where e.version_id = any(${statement.bind(measured, 'text[]')}) and ${statement.visibleAt(tableFor(Evaluation), 'e')}`,
  )
  const scoresOf = (version: string | null, rubric: string | null): MetricEvaluation[] =>
    evaluations.filter((one) => one.versionId === version && one.rubric === rubric).map(metricEvaluation)
  return new Map(
    judged.map(({ id, modelId, liveId, rubric }) => {
      if (rubric === null) return [id, { met: false, reason: 'The model has no mandate yet.', targets: [] }]
      const own = targets.filter((target) => target.modelId === modelId).map(metricTarget)
      return [id, verdictOf(own, scoresOf(id, rubric), liveId === id ? [] : scoresOf(liveId, rubric))]
    }),
  )
}

function verdictOf(
  targets: readonly MetricTarget[],
  own: readonly MetricEvaluation[],
  live: readonly MetricEvaluation[],
): MandateVerdict {
  const { promotable, results } = judgeVersion(targets, own, live)
  const ofLive = firstOfEach(live)
  const unmet = results.filter(({ verdict }) => verdict !== 'met')
  return {
    met: promotable,
    reason: promotable
      ? 'Every target is met at the lower bound of its interval.'
      : unmet.map(({ reason }) => reason).join(' ') || 'The mandate has no targets, so no version meets it.',
    targets: results.map(({ target, evaluation, verdict, reason }) => ({
      metric: target.metric,
      minimum: target.minimum,
      mayFall: target.mayFall,
      met: verdict === 'met',
      verdict,
      reason,
      evaluationId: evaluation?.order.toString() ?? null,
      score: evaluation?.score ?? null,
      lower: evaluation?.lower ?? null,
      upper: evaluation?.upper ?? null,
      n: evaluation && Number(evaluation.n),
      liveLower: target.mayFall ? null : (ofLive.get(target.metric)?.lower ?? null),
    })),
  }
}
