import { Hash, Id, OffChain, Text } from '../define.ts'

@OffChain('An item of a gold pool that a comparison has taken. It is spent once its comparison is shown.')
export class GoldItem {
  @Id('SHA-256 of the normal form of its prompt.') id!: string
  @Text('The job that has it.', { index: true }) jobId!: string
}

@OffChain('The secret of the gold tasks of the rounds that a comparison opens, stored before it opens them.')
export class GoldKey {
  @Id('The commitment on chain.') id!: string
  @Hash('The secret: the name of the document that lists the gold tasks.') key!: string
  @Text('The comparison.', { unique: true }) jobId!: string
}
