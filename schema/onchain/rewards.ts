import { Address, BlockNumber, Choice, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'

@OnChain('The reward map of one epoch: the payable amounts and their Merkle root.')
export class RewardMap extends Versioned {
  @Id('The number of its epoch.', { numeric: true }) id!: string
  @Integer('The number of its epoch.') epoch!: number
  @Wei('Fees received for the epoch.') funded!: bigint
  @BlockNumber('First block of the epoch; of epoch 1 only once it is published.', { nullable: true }) firstBlock!:
    | number
    | null
  @BlockNumber('Last block of the epoch.', { nullable: true }) lastBlock!: number | null
  @Hash('Hash of the last block.', { nullable: true }) blockHash!: string | null
  @Hash('The Merkle root.', { nullable: true }) root!: string | null
  @Wei('Newly payable in this epoch.') total!: bigint
  @Text('The artifact of the map.', { nullable: true }) uri!: string | null
  @Hash('The hash of the rules’ code.', { nullable: true }) codeHash!: string | null
  @Choice(
    'RewardMapStatus',
    ['Open', 'Published', 'Cancelled'],
    'Whether its epoch is open, or what became of the map.',
  )
  status!: 'Open' | 'Published' | 'Cancelled'
  @Time('When it was published.', { nullable: true }) publishedAt!: Date | null
  @Address('Who published it with a bond; null when a publisher by role did.', { nullable: true }) publisher!:
    | string
    | null
  @Wei('The publisher’s bond that is held.') bond!: bigint
  @Address('Who got the bond: the publisher, or the treasury after a cancellation.', { nullable: true })
  bondReleasedTo!: string | null
}

@OnChain('A paid claim.')
export class RewardClaim extends Versioned {
  @Id('The event’s id.') id!: string
  @Ref(() => RewardMap, 'map', 'The reward map whose proof was used.', { inverse: 'claims' }) mapId!: string
  @Address('The account that was paid.', { index: true }) account!: string
  @Wei('How much was paid, in wei.') amount!: bigint
  @Time('The time.') claimedAt!: Date
}
