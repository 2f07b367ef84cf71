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
  @Hash('The hash of the previous block.') parentHash!: string
  @Time('When the block was made.', { index: true }) timestamp!: Date
  @Flag('Whether the chain has finalised it: final rows are never rolled back.', { index: true }) final!: boolean
}

@OnChain('One decoded event, in the order of the chain.', { appended: true })
export class ChainEvent extends Versioned {
  @Id('`block-logIndex`, zero-padded so that ids sort as the chain does.') id!: string
  @Text('The name of the emitting contract.', { index: true }) contract!: string
  @Text('The event’s name.', { index: true }) name!: string
  @Json('The event’s arguments; integers are decimal strings.') args!: Record<string, unknown>
  @Address('The address of the emitting contract.') address!: string
  @Hash('Which transaction emitted it.', { index: true }) transactionHash!: string
  @Integer('The log’s index in its block.') logIndex!: number
  @Time('The block’s time.') timestamp!: Date
}

@OnChain('The digest of everything indexed up to a block: two indexes with the same root have the same rows.', {
  derived: true,
})
export class StateRoot extends Versioned {
  @Id('The chain id.') id!: string
  @Hash('SHA-256 over the previous root and the block’s number, hash and digest.') root!: string
  @Hash('SHA-256 over the block’s changes: the row versions that it opened and ended, sorted.') digest!: string
  @Hash('The hash of the block that made the changes: `fromBlock` is its number.') blockHash!: string
  @Integer('The number of row versions that it opened and ended.') changes!: number
}

@OnChain('A contract that was created at run time and is followed since a factory announced it.')
export class FollowedContract extends Versioned {
  @Id('The contract’s address.') id!: string
  @Text('The contract name under which it is followed.') contract!: string
  @Address('The factory that announced it.', { index: true }) factory!: string
}

@OnChain('A contract of which nothing is indexed from one block on, because an event of it cannot be.')
export class SetAsideContract extends Versioned {
  @Id('The contract’s address.') id!: string
  @Text('The contract name under which it was followed.') contract!: string
  @Integer('The index of the log that cannot be indexed. All of the contract’s logs in its block are left out.')
  logIndex!: number
  @Text('What is wrong with the log.') reason!: string
}

@OffChain('The indexer that writes the rows of a chain. The API does not show it: it names hosts.')
export class IndexerLease {
  @Id('The chain id.') id!: string
  @Text('Host name and process id of the indexer.') holder!: string
  @Integer('The process id of its PostgreSQL session that holds the lock.') session!: number
  @BlockNumber('Counts the holders. What the indexer stores is committed only while this is its own number.')
  token!: number
  @Time('When it was last renewed, by the clock of the database.') renewedAt!: Date
  @Time('When another indexer may take over, by the clock of the database.') expiresAt!: Date
}

@OffChain('The indexer’s position on one chain, updated in the same transaction as the rows.')
export class Cursor {
  @Id('The chain id.') id!: string
  @BlockNumber('The last block whose rows are stored.') block!: number
  @Hash('The hash of the last block whose rows are stored.') hash!: string
  @BlockNumber('The last block known to be final.') finalBlock!: number
  @BlockNumber('The newest block that the node has announced.') headBlock!: number
  @Json('The contracts that are followed, by name.') contracts!: Record<string, string>
  @Json('What the contracts of its Governors answered at the start, by address.', { nullable: true }) facts!: Record<
    string,
    unknown
  > | null
  @Time('When it was last updated.') updatedAt!: Date
}
