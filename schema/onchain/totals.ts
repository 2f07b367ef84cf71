import { Id, Indexed, Integer, OnChain, Versioned, Wei } from '../define.ts'

/** Totals over all rows of a table as of a block. The indexer keeps them (`schema/totals.ts`), so that nobody has to add up a million rows. */

@OnChain('A figure of the whole index: how many rows a table has, or what they give together.', { derived: true })
export class Total extends Versioned {
  @Id('The name of the figure; of the number of all rows, that of the table.') id!: string
  @Wei('The number or the sum.') value!: bigint
}

@OnChain('What all contributions of an account give together.', { derived: true })
@Indexed('contributor_total_standing', 'to_block, from_block, id, accepted, contributions')
export class ContributorTotal extends Versioned {
  @Id('The account.') id!: string
  @Integer('Samples submitted.') contributions!: number
  @Integer('Of these, accepted.') accepted!: number
  @Integer('Of these, rejected.') rejected!: number
  @Integer('Of these, excluded by an upheld dispute.') excluded!: number
  @Integer('Of these, scored.') scored!: number
  @Wei('The sum of their qualities, in ppm.') quality!: bigint
  @Wei('The sum of their uniqueness, in ppm.') uniqueness!: bigint
  @Wei('The present stake on them, in wei.') staked!: bigint
  @Wei('Slashed from these stakes, in wei.') slashed!: bigint
}

@OnChain('What all judgements of a validator give together.', { derived: true })
export class ValidatorTotal extends Versioned {
  @Id('The account.') id!: string
  @Integer('Committed judgements.') judgements!: number
  @Integer('Of these, revealed.') revealed!: number
  @Integer('Of these, settled.') settled!: number
  @Wei('What their settlements paid, in wei.') reward!: bigint
  @Wei('What their settlements fined, in wei.') penalty!: bigint
}
