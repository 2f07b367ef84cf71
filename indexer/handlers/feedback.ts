import { toHex } from 'viem'
import { Slash } from '#schema/onchain/disputes.ts'
import { FeedbackTask, Judgement, Reputation, Validator } from '#schema/onchain/feedback.ts'
import type { Rows } from '../store/rows.ts'
import { dateOf, type EventHandlers } from './eventContext.ts'

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
  TaskOpened(rows, { taskId, modelId, versionId, domain, itemHash, pot, commitDeadline, revealDeadline }) {
    rows.put(FeedbackTask, {
      id: taskId.toString(),
      modelId: modelId.toString(),
      versionId: versionId.toString(),
      domain,
      itemHash,
      pot,
      paid: 0n,
      commitDeadline: dateOf(commitDeadline),
      revealDeadline: dateOf(revealDeadline),
      settled: false,
      evidenceHash: null,
    })
  },
  FeedbackCommitted(rows, { taskId, validator, commitment }) {
    rows.put(Judgement, {
      id: judgementId(taskId, validator),
      taskId: taskId.toString(),
      validator,
      commitment,
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
  ReputationUpdated(rows, { validator, domain, value, tier }) {
    rows.put(Reputation, { id: `${validator}-${domain}`, validator, domain, value, tier })
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
