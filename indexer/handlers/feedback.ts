import { toHex, zeroHash } from 'viem'
import { Slash } from '#schema/onchain/disputes.ts'
import { FeedbackRound, FeedbackTask, Judgement, Reputation, Validator } from '#schema/onchain/feedback.ts'
import type { Rows } from '../store/rows.ts'
import { dateOf, type EventHandlers } from './eventContext.ts'
import { indexedName } from './indexedName.ts'

export const judgementId = (taskId: bigint, validator: string) => `${taskId}-${validator}`

/** On chain, a judgement's id is `taskId << 160 | validator`. */
export const judgementOf = (subjectId: bigint) =>
  judgementId(subjectId >> 160n, toHex(BigInt.asUintN(160, subjectId), { size: 20 }))

function stake(rows: Rows, id: string, change: bigint) {
  const validator = rows.get(Validator, id) ?? { id, stake: 0n, earned: 0n, withdrawn: 0n, lost: 0n }
  rows.put(Validator, { ...validator, stake: validator.stake + change })
}

export const feedback: EventHandlers<'FeedbackPool'> = {
  ValidatorStaked(rows, { validator, amount }) {
    stake(rows, validator, amount)
  },
  ValidatorUnstaked(rows, { validator, amount }) {
    stake(rows, validator, -amount)
  },
  RoundOpened(rows, { roundId, modelId, seats, totalStake, goldCommitment, commitDeadline, revealDeadline }, event) {
    rows.put(FeedbackRound, {
      id: roundId.toString(),
      modelId: modelId.toString(),
      seats,
      totalStake,
      openedBlock: event.block,
      seed: null,
      goldCommitment: goldCommitment === zeroHash ? null : goldCommitment,
      goldSecret: null,
      openedAt: event.timestamp,
      commitDeadline: dateOf(commitDeadline),
      revealDeadline: dateOf(revealDeadline),
      settled: false,
    })
  },
  TaskOpened(rows, { taskId, roundId, versionId, domain, itemHash, pot }) {
    const round = rows.get(FeedbackRound, roundId.toString())
    if (!round) throw new Error(`Task ${taskId} was opened in round ${roundId}, which was not.`)
    const { modelId, commitDeadline, revealDeadline } = round
    rows.put(FeedbackTask, {
      id: taskId.toString(),
      roundId: round.id,
      modelId,
      versionId: versionId.toString(),
      domain,
      itemHash,
      pot,
      paid: 0n,
      commitDeadline,
      revealDeadline,
      settled: false,
      evidenceHash: null,
    })
  },
  SeatsDrawn(rows, { roundId, seed }) {
    rows.change(FeedbackRound, roundId.toString(), { seed })
  },
  DrawPostponed: null,
  FeedbackCommitted(rows, { taskId, validator, commitment, seatStake, stage }) {
    rows.put(Judgement, {
      id: judgementId(taskId, validator),
      taskId: taskId.toString(),
      validator,
      commitment,
      seatStake,
      stage,
      choice: null,
      ethics: null,
      logic: null,
      functional: null,
      confidence: null,
      score: null,
      reward: 0n,
      penalty: 0n,
    })
  },
  FeedbackRevealed(rows, { taskId, validator, ...judgement }) {
    rows.change(Judgement, judgementId(taskId, validator), judgement)
  },
  GoldOpened(rows, { roundId, secret }) {
    rows.change(FeedbackRound, roundId.toString(), { goldSecret: secret })
  },
  FeedbackSettled(rows, { taskId, validator, score, reward, penalty }) {
    rows.change(Judgement, judgementId(taskId, validator), { score, reward, penalty })
    rows.change(Validator, validator, ({ stake, earned, lost }) => ({
      stake: stake - penalty,
      earned: earned + reward,
      lost: lost + penalty,
    }))
  },
  TaskSettled(rows, { taskId, paid, evidenceHash }) {
    rows.change(FeedbackTask, taskId.toString(), { paid, evidenceHash, settled: true })
  },
  RoundSettled(rows, { roundId }) {
    rows.change(FeedbackRound, roundId.toString(), { settled: true })
  },
  ReputationUpdated(rows, { validator, domain, value, tier }) {
    rows.put(Reputation, { id: `${validator}-${indexedName(domain)}`, validator, domain, value, tier })
  },
  FeedbackRewardWithdrawn(rows, { validator, amount }) {
    rows.change(Validator, validator, ({ withdrawn }) => ({ withdrawn: withdrawn + amount }))
  },
  Slashed(rows, { account, subjectId, role, amount, evidenceHash }, event) {
    const slash = { id: event.id, account, subjectId: judgementOf(subjectId), role, amount, evidenceHash }
    rows.append(Slash, { ...slash, at: event.timestamp })
    rows.change(Validator, account, ({ stake, lost }) => ({ stake: stake - amount, lost: lost + amount }))
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
