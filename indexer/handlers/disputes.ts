import { DISPUTE_SUBJECTS } from '#rules/dispute.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { dateOf, type EventHandlers } from './eventContext.ts'
import { judgementOf } from './feedback.ts'

/** Outcomes and verdicts by their number in the contract. */
const OUTCOMES = ['Open', 'Upheld', 'Rejected', 'Lapsed'] as const

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
      verdict: null,
      effectiveAt: null,
      slashed: 0n,
      openedAt: event.timestamp,
      resolvedAt: null,
    })
  },
  DisputeRuled(rows, { disputeId, verdict, effectiveAt }) {
    rows.change(Dispute, disputeId.toString(), {
      verdict: OUTCOMES[verdict] === 'Upheld' ? 'Upheld' : 'Rejected',
      effectiveAt: dateOf(effectiveAt),
    })
  },
  DisputeResolved(rows, { disputeId, outcome, slashed }, event) {
    const id = disputeId.toString()
    const { subject, subjectId } = rows.must(Dispute, id)
    const name = OUTCOMES[outcome]
    if (!name) throw new Error(`Dispute ${disputeId} has an unknown outcome (${outcome})`)
    rows.change(Dispute, id, { outcome: name, slashed, resolvedAt: event.timestamp })
    if (name === 'Upheld' && subject === 'Contribution') rows.change(Contribution, subjectId, { excluded: true })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
