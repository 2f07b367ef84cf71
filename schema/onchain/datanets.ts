import { COMPARISONS, type Comparison } from '#rules/shingles.ts'
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
  @Address('The account that opened it.', { index: true }) owner!: string
  @Text('The licence of its samples.') licence!: string
  @Wei('The minimum stake per sample.') minStake!: bigint
  @Choice(
    'Comparison',
    COMPARISONS,
    'How its samples are compared; null, which means prose, in an index of an earlier release.',
    {
      nullable: true,
    },
  )
  comparison!: Comparison | null
  @Time('When it was opened.') createdAt!: Date
}

@OnChain('A salted hash that is committed before its content is shown. It proves who was first.')
export class Commitment extends Versioned {
  @Id('`commitment-contributor`: every account can commit the same hash, but only for itself.') id!: string
  @Hash('The salted hash of the content: keccak256 of content and salt.') commitment!: string
  @Address('The account that committed.', { index: true }) contributor!: string
  @Text('Its position on chain, `block-logIndex`, zero-padded so that earlier ones sort first.') position!: string
  @Time('The time.') committedAt!: Date
}

@OnChain('One sample contributed to a datanet, with its assessment by the rules.')
export class Contribution extends Versioned {
  @Id('The contribution id.', { numeric: true }) id!: string
  @Ref(() => Datanet, 'datanet', 'To which datanet it was given.', { inverse: 'contributions' }) datanetId!: string
  @Address('The account that contributed.', { index: true }) contributor!: string
  @Hash('The sample: an artifact’s name.', { index: true }) contentHash!: string
  @Hash('The commitment that preceded it.') commitment!: string
  @BlockNumber('The block of its commitment.') committedBlock!: number
  @Wei('The present stake on it.') stake!: bigint
  @Choice('ContributionStatus', CONTRIBUTION_STATUS, 'The verdict.') status!: (typeof CONTRIBUTION_STATUS)[number]
  @Integer('Quality, in ppm.', { nullable: true }) quality!: number | null
  @Integer('Uniqueness against what was committed earlier, in ppm.', { nullable: true }) uniqueness!: number | null
  @Text('The reason for the verdict.', { nullable: true }) reason!: string | null
  @Wei('Slashed stake.') slashed!: bigint
  @Wei('The scoring fee, which a rejected contribution forfeits of its stake.', { nullable: true }) forfeited!:
    | bigint
    | null
  @Flag('Whether an upheld dispute excludes it from future epochs.') excluded!: boolean
  @Time('When it was submitted.', { index: true }) submittedAt!: Date
}
