import {
  Address,
  BlockNumber,
  Flag,
  Hash,
  Id,
  Integer,
  Json,
  OffChain,
  OnChain,
  Text,
  Time,
  Versioned,
} from '../define.ts'

@OffChain('A block that the indexer has seen on the canonical chain.')
export class Block {
  @Id('The block number.', { numeric: true }) id!: string
  @BlockNumber('The block number.', { unique: true }) number!: number
  @Hash('The block hash.', { unique: true }) hash!: string
  @Hash('The hash of the block before.') parentHash!: string
  @Time('When the block was made.', { index: true }) timestamp!: Date
  @Flag('Whether the chain has finalised it: final rows are never rolled back.', { index: true }) final!: boolean
}

@OnChain('One decoded event, in the order of the chain.', { appended: true })
export class ChainEvent extends Versioned {
  @Id('`block-logIndex`, zero-padded so that ids sort as the chain does.') id!: string
  @Text('The contract that spoke, by name.', { index: true }) contract!: string
  @Text('The event’s name.', { index: true }) name!: string
  @Json('The event’s arguments; integers are decimal strings.') args!: Record<string, unknown>
  @Address('The contract that spoke.') address!: string
  @Hash('The transaction.', { index: true }) transactionHash!: string
  @Integer('The log’s place in its block.') logIndex!: number
  @Time('The block’s time.') timestamp!: Date
}

@OnChain('The digest of everything indexed up to a block: two indexes with the same root have the same rows.')
export class StateRoot extends Versioned {
  @Id('The chain id.') id!: string
  @Hash('SHA-256 over the root before, the block’s number, its hash and its digest.') root!: string
  @Hash('SHA-256 over what the block changed: the versions of rows that it opened and ended, sorted.') digest!: string
  @Hash('The block that made the change: `fromBlock` is its number.') blockHash!: string
  @Integer('How many versions of rows it opened and ended.') changes!: number
}

@OnChain('A contract that was made at run time and is followed since a factory announced it.')
export class FollowedContract extends Versioned {
  @Id('The contract’s address.') id!: string
  @Text('What it is followed as, by the name of the contract.') contract!: string
  @Address('The factory that announced it.', { index: true }) factory!: string
}

@OffChain('How far the indexer has come on one chain; moved in the same transaction as the rows it wrote.')
export class Cursor {
  @Id('The chain id.') id!: string
  @BlockNumber('The last block whose rows are stored.') block!: number
  @Hash('Its hash.') hash!: string
  @BlockNumber('The last block known to be final.') finalBlock!: number
  @BlockNumber('The newest block that the node has announced.') headBlock!: number
  @Json('The contracts that are followed, by name.') contracts!: Record<string, string>
  @Time('When it last moved.') updatedAt!: Date
}
