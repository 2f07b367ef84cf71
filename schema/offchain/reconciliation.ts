import { BlockNumber, Hash, Id, Integer, Json, OffChain, Ref, Text, Time } from '../define.ts'
import { Governor } from '../onchain/governance.ts'

/** One difference between the index and the contracts. */
export interface Drift {
  /** The compared value: votes, balance, delegate, pastVotes, supply, quorum, tally, state. */
  what: string
  /** The account or proposal, and the time where it matters. */
  subject: string
  indexed: string
  chain: string
}

@OffChain('A comparison of a seeded sample of the index with the values that the contracts return at a final block.')
export class Reconciliation {
  @Id('`governor-block-seed`.') id!: string
  @Ref(() => Governor, 'governor', 'The Governor whose values were compared.', { inverse: 'reconciliations' })
  governorId!: string
  @BlockNumber('The final block of the comparison.', { index: true }) block!: number
  @Hash('The hash of that block.') hash!: string
  @Text('The seed of the sample.') seed!: string
  @Integer('The number of compared values.') compared!: number
  @Integer(
    'The number of values that could not be compared: the contracts have no function for them, or it did not answer.',
    {
      default: 0,
    },
  )
  notCompared!: number
  @Integer('The number of different values: 0 when the index equals the contracts.') drift!: number
  @Json('The differences: `{what, subject, indexed, chain}`, at most 100.') findings!: Drift[]
  @Time('When it was done.') at!: Date
}
