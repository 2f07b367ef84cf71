import { BlockNumber, Hash, Id, Integer, Json, OffChain, Ref, Text, Time } from '../define.ts'
import { Governor } from '../onchain/governance.ts'

/** One place where the index and the contracts disagree. */
export interface Drift {
  /** What was compared: votes, balance, delegate, pastVotes, supply, quorum, tally, state. */
  what: string
  /** The account or proposal, and the moment where it matters. */
  subject: string
  indexed: string
  chain: string
}

@OffChain('A seeded sample of the index, compared with what the contracts themselves answer at a final block.')
export class Reconciliation {
  @Id('`governor-block-seed`.') id!: string
  @Ref(() => Governor, 'governor', 'The Governor whose facts were compared.', { inverse: 'reconciliations' })
  governorId!: string
  @BlockNumber('The final block at which both were asked.', { index: true }) block!: number
  @Hash('Its hash.') hash!: string
  @Text('What the sample was drawn with.') seed!: string
  @Integer('Values compared.') compared!: number
  @Integer('Values that differ: 0 when the index says what the contracts say.') drift!: number
  @Json('What differs: `{what, subject, indexed, chain}`, at most 100.') findings!: Drift[]
  @Time('When it was done.') at!: Date
}
