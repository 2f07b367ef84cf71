import {
  Address,
  BlockNumber,
  Choice,
  Flag,
  Hash,
  Id,
  Integer,
  OnChain,
  Ref,
  Text,
  Time,
  Versioned,
  Wei,
} from '../define.ts'
import { Model } from './models.ts'

export const CONTRIBUTION_STATUS = ['Submitted', 'Accepted', 'Rejected'] as const

@OnChain('A collection of signed contributions for a model.')
export class Datanet extends Versioned {
  @Id('The datanet id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'The model it feeds.', { inverse: 'datanets' }) modelId!: string
  @Address('Who opened it.', { index: true }) owner!: string
  @Text('The licence of its samples.') licence!: string
  @Wei('Least stake of a sample.') minStake!: bigint
  @Time('When it was opened.') createdAt!: Date
}

@OnChain('A salted hash committed before its content is shown: it fixes who was first.')
export class Commitment extends Versioned {
  @Id('`commitment-contributor`: anyone may commit the same hash, but only under its own name.') id!: string
  @Hash('The commitment.') commitment!: string
  @Address('Who committed.', { index: true }) contributor!: string
  @Text('Its place on chain, `block-logIndex` zero-padded: earlier sorts first.') position!: string
  @Time('When.') committedAt!: Date
}

@OnChain('One sample contributed to a datanet, with what the rules said of it.')
export class Contribution extends Versioned {
  @Id('The contribution id.', { numeric: true }) id!: string
  @Ref(() => Datanet, 'datanet', 'The datanet.', { inverse: 'contributions' }) datanetId!: string
  @Address('Who contributed.', { index: true }) contributor!: string
  @Hash('The sample: an artifact’s name.', { index: true }) contentHash!: string
  @Hash('The commitment that preceded it.') commitment!: string
  @BlockNumber('The block of its commitment.') committedBlock!: number
  @Wei('Staked on it now.') stake!: bigint
  @Choice('ContributionStatus', CONTRIBUTION_STATUS, 'The verdict.') status!: (typeof CONTRIBUTION_STATUS)[number]
  @Integer('Quality, in ppm.', { nullable: true }) quality!: number | null
  @Integer('Uniqueness against what was committed earlier, in ppm.', { nullable: true }) uniqueness!: number | null
  @Text('The reason of the verdict.', { nullable: true }) reason!: string | null
  @Wei('Stake taken from it.') slashed!: bigint
  @Flag('Whether an upheld dispute excludes it from coming epochs.') excluded!: boolean
  @Time('When it was submitted.', { index: true }) submittedAt!: Date
}
