import { Address, BlockNumber, Choice, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'

@OnChain('The reward map of one epoch: who is owed what, and the root that proves it.')
export class RewardMap extends Versioned {
  @Id('The epoch.', { numeric: true }) id!: string
  @Integer('The epoch.') epoch!: number
  @Wei('Fees received for the epoch.') funded!: bigint
  @BlockNumber('First block of the facts.', { nullable: true }) firstBlock!: number | null
  @BlockNumber('Last block of the facts.', { nullable: true }) lastBlock!: number | null
  @Hash('Hash of the last block.', { nullable: true }) blockHash!: string | null
  @Hash('The Merkle root.', { nullable: true }) root!: string | null
  @Wei('Newly payable in this epoch.') total!: bigint
  @Text('The map itself: an artifact’s name.', { nullable: true }) uri!: string | null
  @Hash('The rules’ code.', { nullable: true }) codeHash!: string | null
  @Choice('RewardMapStatus', ['Open', 'Published', 'Cancelled'], 'Where it stands.') status!:
    | 'Open'
    | 'Published'
    | 'Cancelled'
  @Time('When it was published.', { nullable: true }) publishedAt!: Date | null
}

@OnChain('A claim paid.')
export class RewardClaim extends Versioned {
  @Id('The event’s id.') id!: string
  @Ref(() => RewardMap, 'map', 'The epoch’s map that proved it.', { inverse: 'claims' }) mapId!: string
  @Address('Who was paid.', { index: true }) account!: string
  @Wei('How much.') amount!: bigint
  @Time('When.') claimedAt!: Date
}
