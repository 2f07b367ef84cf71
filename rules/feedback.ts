/** Rule 5, amendment 5a (feedback payment): the rewards and fines of one round of judgements. */

import { correlatedAgreement } from './agreement.ts'
import { BPS, bigintMax, bigintMin, mulDiv, PPM } from './bps.ts'
import { EMPTY_RECORD, failsBeyondChance, type GoldRecord, recordGold, skill } from './gold.ts'
import { entryOf } from './lookup.ts'
import { ascending } from './order.ts'

/** The largest part of a validator's stake that one settlement takes: 5 %. @oracle FeedbackPool.MAX_PENALTY_BPS */
export const MAX_PENALTY_BPS = 500n
/** The error rate on gold tasks that is accepted from an honest validator: 20 %. */
export const HONEST_ERROR_PPM = 200_000n
/** The significance level of a fine: the probability that an honest validator is fined, at most 1 %. */
export const FINE_LEVEL_PPM = 10_000n

/** `pot` in wei; `gold` is the known correct choice, once it may be disclosed. */
export type RoundTask = { taskId: string; pot: bigint; gold?: number }
/** `choice`: 0 first, 1 second, 2 tie. `confidence`: the stated probability of being correct, 0–100. */
export type FeedbackReveal = { taskId: string; validator: string; choice: number; confidence: number }

export type FeedbackRound = {
  tasks: readonly RoundTask[]
  commits: readonly { taskId: string; validator: string }[]
  reveals: readonly FeedbackReveal[]
  stakes: ReadonlyMap<string, bigint>
  /** Gold records before this round. */
  records: ReadonlyMap<string, GoldRecord>
}

/** One row of `FeedbackPool.settle`: `score` in ppm, money in wei. A validator's whole penalty is in its first row. */
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

/**
 * Pays and fines one round of judgements. Each task's pot is shared among those who revealed, by `max(CA, 0) × skill`. Fines are only for
 * gold tasks failed beyond chance and for not revealing; disagreeing with the majority is never fined. `returned` is the part of each pot that
 * nobody earned. Invariants: rewards + returned = pots; a penalty is at most 5 % of the stake.
 * @throws RangeError on reveals without a commitment, repeated commitments or reveals, and unknown tasks.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { settleRound } from '#rules/feedback.ts'
 *
 * const { settlements, returned } = settleRound({
 *   tasks: [{ taskId: '1', pot: 100n }],
 *   commits: [{ taskId: '1', validator: '0xa' }],
 *   reveals: [], // 0xa committed and did not reveal
 *   stakes: new Map([['0xa', 1_000n]]),
 *   records: new Map(),
 * })
 * assert.deepEqual(settlements, [{ taskId: '1', validator: '0xa', score: 0n, reward: 0n, penalty: 50n }])
 * assert.equal(returned.get('1'), 100n)
 * ```
 */
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
  for (const [validator, own] of [...commits].sort(([a], [b]) => ascending(a, b)))
    outcomes.set(
      validator,
      judge({
        validator,
        gold,
        commits: BigInt(own.length),
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
      const outcome = entryOf(outcomes, validator)
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
