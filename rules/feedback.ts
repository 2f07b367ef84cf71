import { correlatedAgreement } from './agreement.ts'
import { BPS, bigintMax, bigintMin, mulDiv, PPM } from './bps.ts'
import { EMPTY_RECORD, failsBeyondChance, type GoldRecord, recordGold, skill } from './gold.ts'

/** The most one settlement takes of a validator's stake: 5 %. */
export const MAX_PENALTY_BPS = 500n
/** Errors that an honest judge may make on gold tasks (ppm), and the chance of a wrong fine that is accepted (ppm). */
export const HONEST_ERROR_PPM = 200_000n
export const FINE_LEVEL_PPM = 10_000n

/** `pot` in wei; `gold` is the known right choice, once it may be told. */
export type RoundTask = { taskId: string; pot: bigint; gold?: number }
/** `choice` 0 first, 1 second, 2 tie; `confidence` 0–100: the stated chance of being right. */
export type FeedbackReveal = { taskId: string; validator: string; choice: number; confidence: number }

export type FeedbackRound = {
  tasks: readonly RoundTask[]
  commits: readonly { taskId: string; validator: string }[]
  reveals: readonly FeedbackReveal[]
  stakes: ReadonlyMap<string, bigint>
  /** Gold records before this round. */
  records: ReadonlyMap<string, GoldRecord>
}

/** One row of `settle`: `score` in ppm, money in wei. A validator's whole penalty stands in its first row. */
export type FeedbackSettlement = { taskId: string; validator: string; score: bigint; reward: bigint; penalty: bigint }

export type ValidatorOutcome = {
  validator: string
  /** ppm, may be negative. */
  agreement: bigint
  skill: bigint
  /** ppm: max(agreement, 0) × skill. */
  score: bigint
  penalty: bigint
  goldAnswered: bigint
  goldFailed: bigint
  unrevealed: bigint
  record: GoldRecord
  reason: string
}

/** Pays and fines one round of judgements (rule 5): each task's pot by the share of `max(CA, 0) × skill` among those
 *  who revealed it; fines only for gold tasks failed beyond chance and for not revealing. Disagreeing is never fined.
 *  `returned` is what of each pot nobody earned. Invariants: rewards + returned = pots; a penalty is at most 5 % of the stake.
 *  @throws RangeError on reveals without commitment, repeated reveals or unknown tasks. */
export function settleRound(round: FeedbackRound): {
  settlements: FeedbackSettlement[]
  validators: ValidatorOutcome[]
  returned: Map<string, bigint>
} {
  checkRound(round)
  const agreement = correlatedAgreement(round.reveals)
  const gold = new Map(round.tasks.map((task) => [task.taskId, task.gold]))
  const commits = groupBy(round.commits, (commit) => commit.validator)
  const reveals = groupBy(round.reveals, (reveal) => reveal.validator)
  const outcomes = new Map<string, ValidatorOutcome>()
  for (const validator of [...commits.keys()].sort())
    outcomes.set(
      validator,
      judge({
        validator,
        gold,
        commits: BigInt(commits.get(validator)!.length),
        reveals: reveals.get(validator) ?? [],
        stake: round.stakes.get(validator) ?? 0n,
        record: round.records.get(validator) ?? EMPTY_RECORD,
        agreement: agreement.get(validator) ?? 0n,
      }),
    )
  const settlements: FeedbackSettlement[] = []
  const returned = new Map<string, bigint>()
  const fined = new Set<string>()
  const committed = groupBy(round.commits, (commit) => commit.taskId)
  const revealed = new Set(round.reveals.map((reveal) => `${reveal.taskId}/${reveal.validator}`))
  for (const { taskId, pot } of round.tasks) {
    const rows = (committed.get(taskId) ?? []).map(({ validator }) => {
      const outcome = outcomes.get(validator)!
      return { validator, outcome, score: revealed.has(`${taskId}/${validator}`) ? outcome.score : 0n }
    })
    const total = rows.reduce((sum, row) => sum + row.score, 0n)
    let left = pot
    for (const { validator, outcome, score } of rows) {
      const reward = total === 0n ? 0n : mulDiv(pot, score, total)
      left -= reward
      settlements.push({ taskId, validator, score, reward, penalty: fined.has(validator) ? 0n : outcome.penalty })
      fined.add(validator)
    }
    returned.set(taskId, left)
  }
  return { settlements, validators: [...outcomes.values()], returned }
}

function judge(input: {
  validator: string
  gold: ReadonlyMap<string, number | undefined>
  commits: bigint
  reveals: readonly FeedbackReveal[]
  stake: bigint
  record: GoldRecord
  agreement: bigint
}): ValidatorOutcome {
  const { validator, commits, agreement } = input
  let record = input.record
  let [goldAnswered, goldFailed] = [0n, 0n]
  for (const reveal of input.reveals) {
    const truth = input.gold.get(reveal.taskId)
    if (truth === undefined) continue
    goldAnswered++
    if (reveal.choice !== truth) goldFailed++
    record = recordGold(record, reveal.choice === truth, reveal.confidence)
  }
  const careless = failsBeyondChance(goldFailed, goldAnswered, HONEST_ERROR_PPM, FINE_LEVEL_PPM)
  const cap = mulDiv(input.stake, MAX_PENALTY_BPS, BPS)
  const goldFine = careless
    ? mulDiv(cap, goldFailed * PPM - goldAnswered * HONEST_ERROR_PPM, goldAnswered * (PPM - HONEST_ERROR_PPM))
    : 0n
  const unrevealed = commits - BigInt(input.reveals.length)
  const penalty = bigintMin(cap, goldFine + mulDiv(cap, unrevealed, commits))
  const skilled = skill(record)
  const score = mulDiv(bigintMax(agreement, 0n), skilled, PPM)
  return {
    validator,
    agreement,
    skill: skilled,
    score,
    penalty,
    goldAnswered,
    goldFailed,
    unrevealed,
    record,
    reason: [
      `Agreement ${agreement} ppm × skill ${skilled} ppm = ${score} ppm.`,
      careless ? `Failed ${goldFailed} of ${goldAnswered} gold tasks: more than bad luck explains.` : '',
      unrevealed > 0n ? `Did not reveal ${unrevealed} of ${commits} commitments.` : '',
    ]
      .filter(Boolean)
      .join(' '),
  }
}

function checkRound({ tasks, commits, reveals }: FeedbackRound): void {
  const known = new Set(tasks.map((task) => task.taskId))
  if (known.size < tasks.length) throw new RangeError('A task is given twice.')
  const open = new Set<string>()
  for (const { taskId, validator } of commits) {
    if (!known.has(taskId)) throw new RangeError(`Task ${taskId} is not part of this round.`)
    if (open.has(`${taskId}/${validator}`)) throw new RangeError(`${validator} committed to task ${taskId} twice.`)
    open.add(`${taskId}/${validator}`)
  }
  for (const { taskId, validator } of reveals)
    if (!open.delete(`${taskId}/${validator}`))
      throw new RangeError(`${validator} revealed task ${taskId} without a commitment, or twice.`)
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}
