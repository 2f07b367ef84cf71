/** Rule 5, amendment 5a (feedback payment): the rewards and fines of one round of judgements. */

import { type Agreement, NO_AGREEMENT, peerAgreement } from './agreement.ts'
import { BPS, bigintMin, mulDiv, PPM } from './bps.ts'
import { errorCorrelations, independence } from './coincidence.ts'
import {
  decayRecord,
  EMPTY_RECORD,
  failsBeyondChance,
  type GoldAnswer,
  type GoldRecord,
  recordGold,
  skill,
} from './gold.ts'
import { entryOf } from './lookup.ts'
import { ascending } from './order.ts'

/** The largest part of a validator's stake that one round takes: 5 %. @oracle FeedbackPool.MAX_PENALTY_BPS */
export const MAX_PENALTY_BPS = 500n
/** The error rate on gold tasks that is accepted from an honest validator: 20 %. */
export const HONEST_ERROR_PPM = 200_000n
/** The significance level of a fine: the probability that an honest validator is fined, at most 1 %. */
export const FINE_LEVEL_PPM = 10_000n

/** `pot` in wei; `gold` is the known correct choice. */
export type RoundTask = { taskId: string; pot: bigint; gold?: number }
/** A commitment; `weight` is that of its seat, in ppm. */
export type RoundCommit = { taskId: string; validator: string; weight: bigint }
/** `choice`: 0 first, 1 second, 2 tie. `confidence`: the stated probability of being correct, 0–100. */
export type FeedbackReveal = { taskId: string; validator: string; choice: number; confidence: number }

export type JudgedRound = {
  /** When the round was opened. */
  epoch: bigint
  tasks: readonly RoundTask[]
  commits: readonly RoundCommit[]
  reveals: readonly FeedbackReveal[]
  stakes: ReadonlyMap<string, bigint>
  /** The answers to gold tasks of earlier rounds, oldest first. */
  earlier: readonly GoldAnswer[]
}

/** One row of `FeedbackPool.settle`: `score` is its share of the task in ppm, money in wei. A validator's whole penalty is in its first row. */
export type FeedbackSettlement = { taskId: string; validator: string; score: bigint; reward: bigint; penalty: bigint }

export type ValidatorOutcome = {
  validator: string
  agreement: Agreement
  /** ppm, as are `independence` and `merit`. */
  skill: bigint
  /** What is left of the weight of its judgements, because its errors coincide with others'. */
  independence: bigint
  /** Agreement beyond luck × skill: what a judgement of weight 1 counts. */
  merit: bigint
  penalty: bigint
  committed: bigint
  unrevealed: bigint
  /** The gold tasks of the round: unrevealed ones count as failed. */
  goldAnswered: bigint
  goldFailed: bigint
  record: GoldRecord
  reason: string
}

export type RoundSettlement = {
  settlements: FeedbackSettlement[]
  validators: ValidatorOutcome[]
  /** The part of each pot that nobody earned. */
  returned: Map<string, bigint>
  /** The answers to the round's gold tasks. */
  gold: GoldAnswer[]
}

/**
 * Pays and fines one round of judgements. Each task's pot is shared among those who revealed, by weight × agreement beyond luck ×
 * skill. Where a judge's errors on gold coincide with those of others, its weight is divided among them. A commitment that is not revealed counts as its worst reveal: it agrees with nobody, and fails gold with confidence 100. Fines are only for
 * gold tasks failed beyond chance and for not revealing; disagreeing with the majority is never fined.
 * Invariants: rewards + returned = pots; a penalty is at most 5 % of the stake.
 * @throws RangeError on reveals without a commitment, repeated commitments or reveals, and unknown tasks.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { settleRound } from '#rules/feedback.ts'
 *
 * const { settlements, returned } = settleRound({
 *   epoch: 1n,
 *   tasks: [{ taskId: '1', pot: 100n }],
 *   commits: [{ taskId: '1', validator: '0xa', weight: 1_000_000n }],
 *   reveals: [], // 0xa committed and did not reveal
 *   stakes: new Map([['0xa', 1_000n]]),
 *   earlier: [],
 * })
 * assert.deepEqual(settlements, [{ taskId: '1', validator: '0xa', score: 0n, reward: 0n, penalty: 50n }])
 * assert.equal(returned.get('1'), 100n)
 * ```
 */
export function settleRound(round: JudgedRound): RoundSettlement {
  checkRound(round)
  const revealed = new Map(round.reveals.map((reveal) => [`${reveal.taskId}/${reveal.validator}`, reveal]))
  const revealOf = (commit: RoundCommit) => revealed.get(`${commit.taskId}/${commit.validator}`)
  const truths = new Map(
    round.tasks.flatMap(({ taskId, gold }) => (gold === undefined ? [] : [[taskId, gold] as const])),
  )
  const gold = round.commits.flatMap((commit): GoldAnswer[] => {
    const truth = truths.get(commit.taskId)
    const { choice, confidence } = revealOf(commit) ?? { choice: null, confidence: 100 }
    const { taskId, validator } = commit
    return truth === undefined ? [] : [{ taskId, validator, right: choice === truth, confidence, epoch: round.epoch }]
  })
  const goldBefore = groupBy(round.earlier, (answer) => answer.validator)
  const goldNow = groupBy(gold, (answer) => answer.validator)
  const correlations = errorCorrelations([...round.earlier, ...gold])
  const commits = round.commits.map((commit) => ({
    ...commit,
    weight: mulDiv(commit.weight, independence(correlations, commit.validator), PPM),
  }))
  // Gold measures skill. Where agreement counted there, too, who knows the gold tasks would not need to look at the others.
  const agreement = peerAgreement(
    commits.flatMap((commit) =>
      truths.has(commit.taskId) ? [] : [{ ...commit, choice: revealOf(commit)?.choice ?? null }],
    ),
  )

  const outcomes = new Map<string, ValidatorOutcome>()
  for (const [validator, own] of [...groupBy(commits, (commit) => commit.validator)].sort(([a], [b]) =>
    ascending(a, b),
  ))
    outcomes.set(
      validator,
      judge({
        validator,
        committed: BigInt(own.length),
        unrevealed: BigInt(own.filter((commit) => !revealOf(commit)).length),
        stake: round.stakes.get(validator) ?? 0n,
        earlier: goldBefore.get(validator) ?? [],
        gold: goldNow.get(validator) ?? [],
        epoch: round.epoch,
        agreement: agreement.get(validator) ?? NO_AGREEMENT,
        independence: independence(correlations, validator),
      }),
    )
  const { settlements, returned } = share(round.tasks, commits, outcomes, (commit) => revealOf(commit) !== undefined)
  return { settlements, validators: [...outcomes.values()], returned, gold }
}

/** Shares each pot by weight × merit among those who revealed. */
function share(
  tasks: readonly RoundTask[],
  commits: readonly RoundCommit[],
  outcomes: ReadonlyMap<string, ValidatorOutcome>,
  isRevealed: (commit: RoundCommit) => boolean,
): Pick<RoundSettlement, 'settlements' | 'returned'> {
  const settlements: FeedbackSettlement[] = []
  const returned = new Map<string, bigint>()
  const fined = new Set<string>()
  const committed = groupBy(commits, (commit) => commit.taskId)
  for (const { taskId, pot } of tasks) {
    const rows = (committed.get(taskId) ?? []).map((commit) => {
      const outcome = entryOf(outcomes, commit.validator)
      return { validator: commit.validator, outcome, part: isRevealed(commit) ? commit.weight * outcome.merit : 0n }
    })
    const total = rows.reduce((sum, row) => sum + row.part, 0n)
    let left = pot
    for (const { validator, outcome, part } of rows) {
      const [score, reward] = total === 0n ? [0n, 0n] : [mulDiv(PPM, part, total), mulDiv(pot, part, total)]
      left -= reward
      settlements.push({ taskId, validator, score, reward, penalty: fined.has(validator) ? 0n : outcome.penalty })
      fined.add(validator)
    }
    returned.set(taskId, left)
  }
  return { settlements, returned }
}

function judge(input: {
  validator: string
  committed: bigint
  unrevealed: bigint
  stake: bigint
  earlier: readonly GoldAnswer[]
  gold: readonly GoldAnswer[]
  epoch: bigint
  agreement: Agreement
  independence: bigint
}): ValidatorOutcome {
  const { validator, committed, unrevealed, agreement, independence } = input
  const record = [...input.earlier, ...input.gold].reduce(recordGold, EMPTY_RECORD)
  const goldAnswered = BigInt(input.gold.length)
  const goldFailed = BigInt(input.gold.filter(({ right }) => !right).length)
  const careless = failsBeyondChance(goldFailed, goldAnswered, HONEST_ERROR_PPM, FINE_LEVEL_PPM)
  const cap = mulDiv(input.stake, MAX_PENALTY_BPS, BPS)
  const goldFine = careless
    ? mulDiv(cap, goldFailed * PPM - goldAnswered * HONEST_ERROR_PPM, goldAnswered * (PPM - HONEST_ERROR_PPM))
    : 0n
  const penalty = bigintMin(cap, goldFine + mulDiv(cap, unrevealed, committed))
  const skilled = skill(decayRecord(record, input.epoch))
  const merit = mulDiv(agreement.beyondLuck, skilled, PPM)
  return {
    validator,
    agreement,
    skill: skilled,
    independence,
    merit,
    penalty,
    committed,
    unrevealed,
    goldAnswered,
    goldFailed,
    record,
    reason: [
      `Agreement ${agreement.value} ppm, of which ${agreement.beyondLuck} beyond luck, × skill ${skilled} ppm = ${merit} ppm.`,
      independence < PPM ? `Its errors coincide with those of others: its judgements weigh ${independence} ppm.` : '',
      careless ? `Failed ${goldFailed} of ${goldAnswered} gold tasks: more than bad luck explains.` : '',
      unrevealed > 0n ? `Did not reveal ${unrevealed} of ${committed} commitments.` : '',
    ]
      .filter(Boolean)
      .join(' '),
  }
}

function checkRound({ tasks, commits, reveals }: JudgedRound): void {
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
