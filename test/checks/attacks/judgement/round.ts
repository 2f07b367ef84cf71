import type { Random } from '#math/random.ts'
import { type FeedbackReveal, type JudgedRound, type RoundSettlement, settleRound } from '#rules/feedback.ts'
import type { GoldAnswer } from '#rules/gold.ts'
import { COMMIT_STAGES, hasSeat, seatWeight } from '#rules/seats.ts'
import { GAS_PRICE } from '../attack.ts'

/** The rounds that the attacks on judgement play: `SEATS` expected seats at each task; a fifth of the tasks is gold. */
export const TASKS = 240
const GOLD = 48
export const SEATS = 6n
/** Wei: the pot of a task, and the stake of one honest judge. */
export const POT = 10n ** 16n
export const STAKE = 10n ** 19n
/** What one judgement costs its validator, in wei: the gas of a commitment and a reveal (docs/gas.md). */
export const GAS_OF_JUDGEMENT = 50_000n * GAS_PRICE

/** What a judge knows of a task: `truth` is there for those who judge honestly, `gold` for those who know the gold tasks. */
export interface SeenTask {
  id: number
  truth: 0 | 1
  gold: boolean
}

/** A choice with its confidence; `null` commits and does not reveal. */
export type SeenAnswer = { choice: 0 | 1 | 2; confidence: number } | null

export interface SimulatedJudge {
  name: string
  stake: bigint
  side: 'honest' | 'attacker'
  /** Whether it commits at all. */
  present?: boolean
  /** `honest`: what the honest judges of the task answered, for those who see it before they answer or reveal. */
  answer(task: SeenTask, honest: readonly (0 | 1 | 2)[]): SeenAnswer
}

export interface PlayedRound extends RoundSettlement {
  judges: readonly SimulatedJudge[]
  commits: JudgedRound['commits']
  reveals: FeedbackReveal[]
}

const ofSide = (judges: readonly SimulatedJudge[], side: SimulatedJudge['side']) =>
  judges.filter((judge) => judge.side === side)
const namesOf = (judges: readonly SimulatedJudge[], side: SimulatedJudge['side']) =>
  new Set(ofSide(judges, side).map(({ name }) => name))

/** Draws seats, lets the judges answer, and settles by the rules. */
export function playRound(
  judges: readonly SimulatedJudge[],
  random: Random,
  { epoch = 1n, earlier = [] as readonly GoldAnswer[], seats = SEATS } = {},
): PlayedRound {
  const seen = Array.from({ length: TASKS }, (_, id): SeenTask => {
    return { id: id + TASKS * Number(epoch), truth: random.integer(2) as 0 | 1, gold: id < GOLD }
  })
  const totalStake = judges.reduce((sum, { stake }) => sum + stake, 0n)
  const round = { seats, totalStake }
  const commits: { taskId: string; validator: string; weight: bigint }[] = []
  const reveals: FeedbackReveal[] = []
  for (const task of seen) {
    const { seated, stage } = drawTask(judges, round, random)
    const honest: (0 | 1 | 2)[] = []
    for (const judge of [...ofSide(seated, 'honest'), ...ofSide(seated, 'attacker')]) {
      const own = { taskId: String(task.id), validator: judge.name }
      commits.push({ ...own, weight: seatWeight(round, judge.stake, stage) })
      const answer = judge.answer(task, honest)
      if (answer) reveals.push({ ...own, ...answer })
      if (answer && judge.side === 'honest') honest.push(answer.choice)
    }
  }
  const settlement = settleRound({
    epoch,
    tasks: seen.map(({ id, truth, gold }) => ({ taskId: String(id), pot: POT, gold: gold ? truth : undefined })),
    commits,
    reveals,
    stakes: new Map(judges.map(({ name, stake }) => [name, stake])),
    earlier,
  })
  return { ...settlement, judges, commits, reveals }
}

/** Who commits to a task, and at which stage: the threshold rises while the task has fewer commitments than seats. */
export function drawTask(
  judges: readonly SimulatedJudge[],
  round: { seats: bigint; totalStake: bigint },
  random: Random,
): { seated: SimulatedJudge[]; stage: bigint } {
  const present = judges.filter((judge) => judge.present !== false)
  const hashes = present.map(() => (BigInt(random.uint32()) << 224n) + (BigInt(random.uint32()) << 192n))
  for (let stage = 0n; ; stage++) {
    const seated = present.filter(({ stake }, at) => hasSeat(round, { hash: hashes[at] ?? 0n, stake, stage }))
    if (stage === COMMIT_STAGES - 1n || BigInt(seated.length) >= round.seats) return { seated, stage }
  }
}

/** Rewards less fines of one side, in wei. */
export function profitOf({ settlements, judges }: PlayedRound, side: SimulatedJudge['side']): number {
  const names = namesOf(judges, side)
  return settlements.reduce(
    (sum, { validator, reward, penalty }) => (names.has(validator) ? sum + Number(reward - penalty) : sum),
    0,
  )
}

/** Rewards of one side without its fines, in wei. */
export function paidTo({ settlements, judges }: PlayedRound, side: SimulatedJudge['side']): number {
  const names = namesOf(judges, side)
  return settlements.reduce((sum, { validator, reward }) => (names.has(validator) ? sum + Number(reward) : sum), 0)
}

/** What one side pays for gas, in wei. */
export function gasOf({ commits, judges }: PlayedRound, side: SimulatedJudge['side']): number {
  const names = namesOf(judges, side)
  return commits.filter(({ validator }) => names.has(validator)).length * Number(GAS_OF_JUDGEMENT)
}

/** Without the rules: each pot is shared equally among the names that gave the most frequent answer, and nothing else counts. */
export function earnedByMajority({ commits, reveals, judges }: PlayedRound, side: SimulatedJudge['side']): number {
  const names = namesOf(judges, side)
  const tasks = new Map<string, FeedbackReveal[]>()
  for (const { taskId } of commits) if (!tasks.has(taskId)) tasks.set(taskId, [])
  for (const reveal of reveals) tasks.get(reveal.taskId)?.push(reveal)
  let sum = 0
  for (const given of tasks.values()) {
    const counts = [0, 1, 2].map((choice) => given.filter((reveal) => reveal.choice === choice).length)
    const most = Math.max(...counts)
    const winners = given.filter(({ choice }) => counts[choice] === most)
    sum += (Number(POT) * winners.filter(({ validator }) => names.has(validator)).length) / Math.max(winners.length, 1)
  }
  return sum
}
