import { Contribution } from '#schema/onchain/datanets.ts'
import { DISPUTE_SUBJECTS, Dispute } from '#schema/onchain/disputes.ts'
import type { EventHandlers } from './eventContext.ts'
import { judgementOf } from './feedback.ts'

const UPHELD = 1

export const disputes: EventHandlers<'Disputes'> = {
  DisputeOpened(rows, { disputeId, kind, subjectId, challenger, bond, evidenceHash }, event) {
    const subject = DISPUTE_SUBJECTS[kind]
    if (!subject) throw new Error(`Dispute ${disputeId} is about an unknown kind of subject (${kind})`)
    rows.put(Dispute, {
      id: disputeId.toString(),
      subject,
      subjectId: subject === 'Judgement' ? judgementOf(subjectId) : subjectId.toString(),
      challenger,
      bond,
      evidenceHash,
      outcome: 'Open',
      slashed: 0n,
      openedAt: event.timestamp,
      resolvedAt: null,
    })
  },
  DisputeResolved(rows, { disputeId, outcome, slashed }, event) {
    const id = disputeId.toString()
    const { subject, subjectId } = rows.must(Dispute, id)
    const upheld = outcome === UPHELD
    rows.change(Dispute, id, { outcome: upheld ? 'Upheld' : 'Rejected', slashed, resolvedAt: event.timestamp })
    if (upheld && subject === 'Contribution') rows.change(Contribution, subjectId, { excluded: true })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
