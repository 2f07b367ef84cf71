import { bigintMax, bigintMin, PPM } from '#rules/bps.ts'
import { calibrationOf } from '#rules/calibration.ts'
import { effectiveJudges, independence } from '#rules/coincidence.ts'
import { dawidSkene, type PairJudgement, trainingPreference } from '#rules/dawidSkene.ts'
import { judgeDependence } from '#rules/dependence.ts'
import { type FeedbackSettlement, type RoundSettlement, settleRound } from '#rules/feedback.ts'
import type { GoldAnswer } from '#rules/gold.ts'
import { seatWeight } from '#rules/seats.ts'
import { comparisonDocument, type Evidence, getDocument } from '#schema/documents.ts'
import { type FeedbackRound, FeedbackTask, Judgement, Validator } from '#schema/onchain/feedback.ts'
import { rowsOf } from '#schema/rows.ts'
import { type JobContext, JobError } from '../job.ts'
import { earlierGold, goldKeyOf, goldOf } from './settleFeedbackGold.ts'

type Job = JobContext<'settleFeedback'>

export interface ComputedRound {
  tasks: FeedbackTask[]
  settlements: FeedbackSettlement[]
  evidence: Evidence
  /** The secret of its gold tasks; null when there are none. */
  goldKey: string | null
  /** The answers to all gold tasks so far, each with its domain. */
  answers: (GoldAnswer & { domain: string })[]
  judgements: number
}

/** Settles a round by the rules, from the chain's facts alone and from the documents that it names: every attempt computes the same. */
export async function computeRound(
  job: Job,
  round: FeedbackRound,
  epochOf: (round: FeedbackRound) => bigint,
): Promise<ComputedRound> {
  const tasks = await rowsOf(job.db, FeedbackTask, 'round_id = $1', [round.id], { orderBy: 'id::numeric' })
  const [first] = tasks
  if (!first) throw new JobError('NO_TASKS', `Round ${round.id} has no tasks in the index. Index the chain again.`)
  const judgements = await rowsOf(job.db, Judgement, 'task_id = any($1)', [tasks.map(({ id }) => id)], {
    orderBy: 'task_id::numeric, validator',
  })
  const goldKey = await goldKeyOf(job, round)
  const gold = await goldOf(job, goldKey, tasks)
  const earlier = await earlierGold(job, round, epochOf)
  const epoch = epochOf(round)
  const reveals = judgements.filter((one) => one.choice !== null)
  const settlement = settleRound({
    epoch,
    tasks: tasks.map(({ id, pot }) => ({ taskId: id, pot, gold: gold.get(id) })),
    commits: weighed(round, judgements),
    reveals: reveals.map(({ taskId, validator, choice, confidence }) => ({
      taskId,
      validator,
      choice: choice ?? 2,
      confidence: confidence ?? 50,
    })),
    stakes: stakesOf(
      judgements,
      await rowsOf(job.db, Validator, 'id = any($1)', [[...new Set(judgements.map(({ validator }) => validator))]]),
    ),
    earlier: earlier.answers,
  })
  const domains = new Map(tasks.map(({ id, domain }) => [id, domain]))
  const answers = [
    ...earlier.answers,
    ...settlement.gold.map((answer) => ({ ...answer, domain: domains.get(answer.taskId) ?? '' })),
  ]
  const decided = reveals.flatMap(({ taskId, validator, choice }): PairJudgement[] =>
    choice === 0 || choice === 1 ? [{ pairId: taskId, validator, choice }] : [],
  )
  const dependence = judgeDependence(decided, gold)
  const judges = new Map(settlement.validators.map(({ validator }) => [validator, 1n]))
  const belief = dawidSkene(
    decided,
    gold,
    new Map([...judges.keys()].map((judge) => [judge, independence(dependence, judge)])),
  )
  const evidence: Evidence = {
    versionId: first.versionId,
    roundId: round.id,
    epoch: Number(epoch),
    keys: [...earlier.keys, ...(goldKey === null ? [] : [goldKey])],
    effectiveJudges: Number(effectiveJudges(judges, dependence)),
    validators: validatorsOf(settlement, answers, epoch, belief.validators),
    pairs: await pairsOf(job, tasks, gold, belief.pairs),
  }
  return { tasks, settlements: settlement.settlements, evidence, goldKey, answers, judgements: reveals.length }
}

/** The weights of the seats: each task's by the last stage in which somebody committed to it. */
function weighed(round: FeedbackRound, judgements: readonly Judgement[]) {
  const stages = new Map<string, number>()
  for (const { taskId, stage } of judgements) stages.set(taskId, Math.max(stage, stages.get(taskId) ?? 0))
  const draw = { seats: BigInt(round.seats), totalStake: round.totalStake }
  return judgements.map(({ taskId, validator, seatStake }) => ({
    taskId,
    validator,
    weight: seatWeight(draw, seatStake, BigInt(stages.get(taskId) ?? 0)),
  }))
}

/** What fines are a share of: the stake with which the seats were drawn, or what is left of it after slashes. The round's own fines count as still there. */
function stakesOf(judgements: readonly Judgement[], validators: readonly Validator[]): Map<string, bigint> {
  const seated = new Map<string, bigint>()
  const fined = new Map<string, bigint>()
  for (const { validator, seatStake, penalty } of judgements) {
    seated.set(validator, bigintMax(seatStake, seated.get(validator) ?? 0n))
    fined.set(validator, penalty + (fined.get(validator) ?? 0n))
  }
  return new Map(
    validators.flatMap(({ id, stake }) => {
      const seat = seated.get(id)
      return seat === undefined ? [] : [[id, bigintMin(seat, stake + (fined.get(id) ?? 0n))] as const]
    }),
  )
}

function validatorsOf(
  { validators, settlements }: RoundSettlement,
  answers: readonly GoldAnswer[],
  epoch: bigint,
  reliabilities: readonly { validator: string; reliability: bigint }[],
): Evidence['validators'] {
  const reliability = new Map(reliabilities.map((one) => [one.validator, one.reliability]))
  return validators.map((one) => {
    const record = calibrationOf(
      answers.filter(({ validator }) => validator === one.validator),
      epoch,
    )
    const reward = settlements.reduce((sum, row) => (row.validator === one.validator ? sum + row.reward : sum), 0n)
    return {
      validator: one.validator,
      committed: Number(one.committed),
      unrevealed: Number(one.unrevealed),
      agreement: one.agreement.value.toString(),
      margin: one.agreement.margin.toString(),
      beyondLuck: one.agreement.beyondLuck.toString(),
      skill: one.skill.toString(),
      independence: one.independence.toString(),
      merit: one.merit.toString(),
      goldAnswered: Number(one.goldAnswered),
      goldFailed: Number(one.goldFailed),
      record: {
        tasks: Number(record.tasks),
        accuracy: Number(record.accuracy),
        lower: Number(record.lower),
        upper: Number(record.upper),
        confidence: Number(record.confidence),
      },
      reward: reward.toString(),
      penalty: one.penalty.toString(),
      reliability: (reliability.get(one.validator) ?? PPM / 2n).toString(),
      reason: one.reason,
    }
  })
}

async function pairsOf(
  job: Job,
  tasks: readonly FeedbackTask[],
  gold: ReadonlyMap<string, 0 | 1>,
  beliefs: ReturnType<typeof dawidSkene>['pairs'],
): Promise<Evidence['pairs']> {
  const posterior = new Map(beliefs.map((one) => [one.pairId, one]))
  const pairs = await Promise.all(
    tasks.map(async (task): Promise<Evidence['pairs']> => {
      const pair = posterior.get(task.id)
      if (!pair || gold.has(task.id)) return []
      const { prompt, answers } = await getDocument(job.artifacts, comparisonDocument, task.itemHash)
      const { chosen, weight, noise } = trainingPreference(pair)
      return [
        {
          taskId: task.id,
          prompt,
          chosen: answers[chosen],
          rejected: answers[chosen === 1 ? 0 : 1],
          weight: Number(weight),
          noise: Number(noise),
        },
      ]
    }),
  )
  return pairs.flat()
}
