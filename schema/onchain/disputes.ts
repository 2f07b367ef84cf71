import { Address, Choice, Hash, Id, OnChain, Text, Time, Versioned, Wei } from '../define.ts'

export const DISPUTE_SUBJECTS = ['Contribution', 'Judgement', 'Version', 'RewardMap'] as const

@OnChain('A challenge of a contribution, a judgement, a version or a reward map.')
export class Dispute extends Versioned {
  @Id('The dispute id.', { numeric: true }) id!: string
  @Choice('DisputeSubject', DISPUTE_SUBJECTS, 'What is disputed.') subject!: (typeof DISPUTE_SUBJECTS)[number]
  @Text('Its id.', { index: true }) subjectId!: string
  @Address('Who challenges.', { index: true }) challenger!: string
  @Wei('The bond.') bond!: bigint
  @Hash('The evidence.') evidenceHash!: string
  @Choice('DisputeOutcome', ['Open', 'Upheld', 'Rejected'], 'How it ended.') outcome!: 'Open' | 'Upheld' | 'Rejected'
  @Wei('Stake taken.') slashed!: bigint
  @Time('When it was opened.') openedAt!: Date
  @Time('When it was resolved.', { nullable: true }) resolvedAt!: Date | null
}

@OnChain('Stake taken from someone, with the evidence.')
export class Slash extends Versioned {
  @Id('The event’s id.') id!: string
  @Address('Whose stake.', { index: true }) account!: string
  @Text('For what: a contribution, or a judgement.', { index: true }) subjectId!: string
  @Text('In which role.') role!: string
  @Wei('How much.') amount!: bigint
  @Hash('The evidence.') evidenceHash!: string
  @Time('When.') at!: Date
}
