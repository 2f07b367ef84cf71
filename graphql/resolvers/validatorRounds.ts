import { Arg, Ctx, Extensions, Field, ID, Int, ObjectType, Query, Resolver } from 'type-graphql'
import type { Sql } from '#schema/database.ts'
import { comparisonKeyDocument, type Evidence, evidenceDocument, getDocument } from '#schema/documents.ts'
import { FeedbackRound, FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { rowsOf } from '#schema/rows.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { listLength } from '../plugins/listLength.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { requireAddress } from '../requireAddress.ts'

/** How a validator was judged itself: what each of its judgements earned, and why (rules 5 and 6). */

const MAX_ROUNDS = 20
/** A round has at most this many tasks that one validator judged. */
const MAX_JUDGEMENTS = 1000

@ObjectType({ description: 'One judgement of a settled round, and what it earned.', simpleResolvers: true })
export class SettledJudgement {
  @Field(() => ID, { description: 'Which comparison was judged.' }) taskId!: string
  @Field(() => Int, { nullable: true, description: '0 first answer, 1 second, 2 tie; null when it was not revealed.' })
  choice!: number | null
  @Field(() => Int, { nullable: true, description: 'The stated confidence, 0–100.' }) confidence!: number | null
  @Field(() => Int, { nullable: true, description: 'The known better answer, when the task was gold.' })
  gold!: number | null
  @Field(() => Int, { description: 'Its share of the task, in ppm.' }) share!: number
  @Field(() => BigIntScalar, { description: 'Its reward, in wei: the pot × the share.' }) reward!: bigint
  @Field(() => BigIntScalar, { description: 'Its fine, in wei. The fine of a round is in one row.' }) penalty!: bigint
}

@ObjectType({
  description: 'A validator’s result in one settled round, by the settlement’s evidence. Shares are in ppm.',
  simpleResolvers: true,
})
export class ValidatorRound {
  @Field(() => ID, { description: 'Which round was settled.' }) roundId!: string
  @Field(() => String, { description: 'The evidence of the settlement.' }) evidenceHash!: string
  @Field(() => Int, { description: 'The effective number of judges in the round (Kish), in ppm of a judge.' })
  effectiveJudges!: number
  @Field(() => Int, { description: 'Commitments.' }) committed!: number
  @Field(() => Int, { description: 'Of these, not revealed: each counts as its worst reveal.' }) unrevealed!: number
  @Field(() => Int, { description: 'Agreement with peers beyond what the frequency of the answers gives.' })
  agreement!: number
  @Field(() => Int, { description: 'The end of its 95 % interval below.' }) agreementLower!: number
  @Field(() => Int, { description: 'The end of its 95 % interval above.' }) agreementUpper!: number
  @Field(() => Int, { description: 'What counts of the agreement.' }) agreementPaid!: number
  @Field(() => Int, { description: 'Calibrated skill on gold tasks (1 − Brier / 0.25), of the faded record.' })
  skill!: number
  @Field(() => Int, { description: 'What is left of its weight, because its errors coincide with those of others.' })
  independence!: number
  @Field(() => Int, { description: 'Gold tasks of the round.' }) goldAnswered!: number
  @Field(() => Int, { description: 'Of these, failed.' }) goldFailed!: number
  @Field(() => Int, { description: 'The faded number of its gold tasks, in ppm of a task.' }) recordTasks!: number
  @Field(() => Int, { description: 'How often it was right on them.' }) accuracy!: number
  @Field(() => Int, { description: 'The end of the 95 % interval of the accuracy below (Wilson).' })
  accuracyLower!: number
  @Field(() => Int, { description: 'The end of the 95 % interval of the accuracy above (Wilson).' })
  accuracyUpper!: number
  @Field(() => Int, { description: 'How sure it said it was: well calibrated is who is as sure as it is right.' })
  confidence!: number
  @Field(() => Int, { description: 'Its posterior reliability, which weights training (Dawid–Skene).' })
  reliability!: number
  @Field(() => BigIntScalar, { description: 'Its rewards, in wei.' }) reward!: bigint
  @Field(() => BigIntScalar, { description: 'Its fine, in wei.' }) penalty!: bigint
  @Field(() => String, { description: 'The reasons, in words.' }) reason!: string
  @Extensions(listLength(() => MAX_JUDGEMENTS))
  @Field(() => [SettledJudgement], { description: 'What it judged in the round, and what each gave.' })
  judgements!: SettledJudgement[]
}

@Resolver()
export class ValidatorRoundResolver {
  @Query(() => [ValidatorRound], {
    description:
      'The settled rounds of a validator, newest first: calibration, agreement, gold record, what each judgement earned, and why.',
    complexity: 50,
  })
  @Extensions(listLength(({ first = MAX_ROUNDS }) => first))
  async validatorRounds(
    @Arg('validator', () => String, { description: 'Whose rounds: the account that judged.' }) given: string,
    @Arg('first', () => Int, { nullable: true, description: `At most this many rounds; at most ${MAX_ROUNDS}.` })
    first: number | undefined,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { db, artifacts, reader }: ApiContext,
  ): Promise<ValidatorRound[]> {
    const validator = requireAddress('validator', given)
    const block = (await reader.asOf(asOfInput)).block ?? undefined
    const wanted = Math.max(0, Math.min(first ?? MAX_ROUNDS, MAX_ROUNDS))
    const rounds = (await settledRounds(db, validator, block)).slice(0, wanted)
    const tasks = await rowsOf(db, FeedbackTask, 'round_id = any($1)', [rounds.map(({ id }) => id)], {
      block,
      orderBy: 'id::numeric',
    })
    const judgements = await rowsOf(
      db,
      Judgement,
      'validator = $1 and task_id = any($2)',
      [validator, tasks.map(({ id }) => id)],
      { block, orderBy: 'task_id::numeric' },
    )
    const found = await Promise.all(
      rounds.map((round) => {
        const own = new Map(tasks.filter(({ roundId }) => roundId === round.id).map((task) => [task.id, task]))
        return resultOf(
          artifacts,
          { round, tasks: own, judgements: judgements.filter(({ taskId }) => own.has(taskId)) },
          validator,
        )
      }),
    )
    return found.flatMap((one) => one ?? [])
  }
}

interface JudgedTasks {
  round: FeedbackRound
  /** By id. */
  tasks: ReadonlyMap<string, FeedbackTask>
  /** Of the validator. */
  judgements: readonly Judgement[]
}

/** The validator's result in a round; undefined when the evidence has none. */
async function resultOf(
  artifacts: ApiContext['artifacts'],
  { round, tasks, judgements }: JudgedTasks,
  validator: string,
): Promise<ValidatorRound | undefined> {
  const evidenceHash = [...tasks.values()][0]?.evidenceHash
  if (!evidenceHash) return undefined
  const evidence = await getDocument(artifacts, evidenceDocument, evidenceHash)
  const own = evidence.validators.find((one) => one.validator === validator)
  if (!own) return undefined
  const gold = await goldByItem(round, artifacts)
  return {
    ...shown(evidence, own),
    evidenceHash,
    judgements: judgements.map(({ taskId, choice, confidence, score, reward, penalty }) => ({
      taskId,
      choice,
      confidence,
      gold: gold.get(tasks.get(taskId)?.itemHash ?? '') ?? null,
      share: score ?? 0,
      reward,
      penalty,
    })),
  }
}

/** The settled rounds with a judgement of the validator, newest first. */
const settledRounds = (db: Sql, validator: string, block?: number): Promise<FeedbackRound[]> =>
  rowsOf(
    db,
    FeedbackRound,
    'settled and id in (select round_id from feedback_task t join judgement j on j.task_id = t.id where j.validator = $1)',
    [validator],
    { block, orderBy: 'id::numeric desc' },
  )

async function goldByItem(
  round: FeedbackRound,
  artifacts: ApiContext['artifacts'],
): Promise<Map<string, number | null>> {
  if (round.goldSecret === null) return new Map()
  const { tasks } = await getDocument(artifacts, comparisonKeyDocument, round.goldSecret)
  return new Map(tasks.map(({ item, gold }) => [item, gold]))
}

function shown(
  evidence: Evidence,
  own: Evidence['validators'][number],
): Omit<ValidatorRound, 'evidenceHash' | 'judgements'> {
  const [agreement, margin] = [Number(own.agreement), Number(own.margin)]
  return {
    roundId: evidence.roundId,
    effectiveJudges: evidence.effectiveJudges,
    committed: own.committed,
    unrevealed: own.unrevealed,
    agreement,
    agreementLower: Math.max(-1_000_000, agreement - margin),
    agreementUpper: Math.min(1_000_000, agreement + margin),
    agreementPaid: Number(own.beyondLuck),
    skill: Number(own.skill),
    independence: Number(own.independence),
    goldAnswered: own.goldAnswered,
    goldFailed: own.goldFailed,
    recordTasks: own.record.tasks,
    accuracy: own.record.accuracy,
    accuracyLower: own.record.lower,
    accuracyUpper: own.record.upper,
    confidence: own.record.confidence,
    reliability: Number(own.reliability),
    reward: BigInt(own.reward),
    penalty: BigInt(own.penalty),
    reason: own.reason,
  }
}
