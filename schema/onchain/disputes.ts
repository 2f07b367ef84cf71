import { DISPUTE_SUBJECTS, type DisputeSubject } from '#rules/dispute.ts'
import { Address, Choice, Hash, Id, OnChain, Text, Time, Versioned, Wei } from '../define.ts'

@OnChain('A challenge of a contribution, a judgement, a version or a reward map.')
export class Dispute extends Versioned {
  @Id('The dispute id.', { numeric: true }) id!: string
  @Choice('DisputeSubject', DISPUTE_SUBJECTS, 'The kind of the disputed subject.')
  subject!: DisputeSubject
  @Text('The id of the disputed subject.', { index: true }) subjectId!: string
  @Address('The account that challenges.', { index: true }) challenger!: string
  @Wei('What the challenger put up, in wei.') bond!: bigint
  @Hash('The artifact in which the challenger states the ground.') evidenceHash!: string
  @Choice(
    'DisputeOutcome',
    ['Open', 'Upheld', 'Rejected', 'Lapsed'],
    'The outcome. Lapsed: nobody decided within the term, and the bond went back.',
  )
  outcome!: 'Open' | 'Upheld' | 'Rejected' | 'Lapsed'
  @Choice('DisputeVerdict', ['Upheld', 'Rejected'], 'The verdict of a resolver, when there is one.', { nullable: true })
  verdict!: 'Upheld' | 'Rejected' | null
  @Time('When the verdict takes effect, unless the timelock decides before.', { nullable: true })
  effectiveAt!: Date | null
  @Wei('Slashed stake.') slashed!: bigint
  @Time('When it was opened.') openedAt!: Date
  @Time('When it was resolved.', { nullable: true }) resolvedAt!: Date | null
}

@OnChain('A slash of stake, with its evidence.')
export class Slash extends Versioned {
  @Id('The event’s id.') id!: string
  @Address('The account whose stake was slashed.', { index: true }) account!: string
  @Text('The subject: a contribution or a judgement.', { index: true }) subjectId!: string
  @Text('The role of the account.') role!: string
  @Wei('How much was taken, in wei.') amount!: bigint
  @Hash('The artifact that states why.') evidenceHash!: string
  @Time('The time.') at!: Date
}
