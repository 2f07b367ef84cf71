import type { Database, Sql } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import { type Notification, notify, notifySql } from '#schema/notifications.ts'
import type { BlockId } from '../chain/blockRange.ts'
import { IndexerError } from '../errors.ts'
import type { BlockHeader } from '../rpc/answers.ts'
import { rollbackRows } from './versions.ts'

/** The position of the cursor. It moves in the transaction that stores the rows, and only from the position that was expected. */
export interface Position {
  block: number
  hash: string
  finalBlock: number
  headBlock: number
}

/** The chain whose cursor moves, and the fencing token of the indexer that moves it (`lease.ts`). Without a token, nothing is fenced. */
export interface CursorOwner {
  chainId: number
  token?: number
}

export type ContractAddresses = Readonly<Record<string, string>>

/** Another process moved the cursor, or took over: what is in memory is stale. */
export class CursorMoved extends RetriableError {
  override name = 'CursorMoved'
}

/** The cursor of `chainId`, or undefined on an empty index.
 *  @throws IndexerError when the database holds the index of another chain, or of other contracts. */
export async function readCursor(
  sql: Sql,
  chainId: number,
  contracts: ContractAddresses,
): Promise<Position | undefined> {
  const { rows } = await sql.query('select id, block, hash, final_block, head_block, contracts from cursor')
  const other = rows.find((row) => row.id !== String(chainId))
  if (other)
    throw new IndexerError(
      `The database holds the index of chain ${other.id}, not of chain ${chainId}. Use another DATABASE_URL, or another RPC_URL.`,
    )
  const [found] = rows
  if (!found) return undefined
  const differing = Object.keys({ ...found.contracts, ...contracts }).filter(
    (name) => found.contracts[name] !== contracts[name],
  )
  if (differing.length)
    throw new IndexerError(
      `The database holds the index of other contracts (${differing.join(', ')} differ). Use another DATABASE_URL, or the deployment that it was created with.`,
    )
  return { block: found.block, hash: found.hash, finalBlock: found.final_block, headBlock: found.head_block }
}

/** Creates the cursor of an empty index, at the block before the first block to index. */
export async function createCursor(
  db: Database,
  chainId: number,
  base: BlockHeader,
  head: number,
  contracts: ContractAddresses,
  facts: object = {},
) {
  await db.transaction(async (sql) => {
    const { rowCount } = await sql.query(
      `insert into cursor (id, block, hash, final_block, head_block, contracts, facts, updated_at)
       values ($1, $2, $3, 0, $4, $5, $6, now()) on conflict do nothing`,
      [String(chainId), base.number, base.hash, head, contracts, facts],
    )
    if (rowCount)
      await sql.query(
        `insert into block (id, number, hash, parent_hash, timestamp, final) values ($1, $2::int8, $3, $4, $5, $2::int8 <= 0)`,
        [String(base.number), base.number, base.hash, base.parentHash, base.timestamp],
      )
  })
}

/** The lock of the lease's row lasts until the transaction ends: whoever takes over waits for it, or ends the transaction, before it gives
 *  itself the next token. It does not keep the holder from renewing. */
const FENCE = '($8::int8 is null or exists (select from indexer_lease where id = $1 and token = $8 for key share))'

const MOVE = `update cursor set block = $2, hash = $3, final_block = $4, head_block = $5, updated_at = now()
  where id = $1 and block = $6 and hash = $7 and ${FENCE} returning id`

const moveValues = ({ chainId, token }: CursorOwner, before: Position, after: Position) => [
  String(chainId),
  after.block,
  after.hash,
  after.finalBlock,
  after.headBlock,
  before.block,
  before.hash,
  token ?? null,
]

const blockValues = (headers: readonly BlockHeader[]) => [
  headers.map(({ number }) => number),
  headers.map(({ hash }) => hash),
  headers.map(({ parentHash }) => parentHash),
  headers.map(({ timestamp }) => timestamp.toISOString()),
]

const requireMoved = (count: number | null) => {
  if (!count) throw new CursorMoved('Another indexer moved the cursor, or took over: starting again from its position')
}

/** Moves the cursor forward: `write` stores the rows of the blocks up to `after`, in the same transaction.
 *  @throws CursorMoved when the cursor is not at `before`, or the token is no longer the lease's. */
export async function advance(
  sql: Sql,
  owner: CursorOwner,
  before: Position,
  after: Position,
  headers: readonly BlockHeader[],
  write: (sql: Sql) => Promise<void>,
) {
  const notification: Notification = { type: 'blocks', from: before.block + 1, to: after.block }
  const { rowCount } = await sql.query(
    `with moved as (${MOVE}),
          stored as (
            insert into block (id, number, hash, parent_hash, timestamp, final)
            select number::text, number, hash, parent_hash, timestamp, number <= $4
            from moved, unnest($9::int8[], $10::text[], $11::text[], $12::timestamptz[]) as u(number, hash, parent_hash, timestamp)),
          settled as (update block set final = true where not final and number <= $4 and exists (select from moved))
     select ${notifySql('$13')} from moved`,
    [...moveValues(owner, before, after), ...blockValues(headers), JSON.stringify(notification)],
  )
  requireMoved(rowCount)
  await write(sql)
}

/** Stores headers of final blocks without moving the cursor. @throws CursorMoved when the token is no longer the lease's. */
export async function keepHeaders(sql: Sql, { chainId, token }: CursorOwner, headers: readonly BlockHeader[]) {
  const { rowCount } = await sql.query(
    `with fence as materialized (
       select where $2::int8 is null or exists (select from indexer_lease where id = $1 and token = $2 for key share)),
     stored as (
       insert into block (id, number, hash, parent_hash, timestamp, final)
       select number::text, number, hash, parent_hash, timestamp, true
       from fence, unnest($3::int8[], $4::text[], $5::text[], $6::timestamptz[]) as u(number, hash, parent_hash, timestamp)
       on conflict do nothing)
     select from fence`,
    [String(chainId), token ?? null, ...blockValues(headers)],
  )
  requireMoved(rowCount)
}

/** Rolls back every block after `ancestor`. @throws CursorMoved like `advance`. */
export async function retract(sql: Sql, owner: CursorOwner, before: Position, ancestor: Position) {
  requireMoved((await sql.query(MOVE, moveValues(owner, before, ancestor))).rowCount)
  await rollbackRows(sql, ancestor.block)
  await sql.query('delete from block where number > $1', [ancestor.block])
  if (ancestor.finalBlock < before.finalBlock)
    await sql.query('update block set final = false where number > $1', [ancestor.finalBlock])
  await notify(sql, { type: 'retracted', from: ancestor.block + 1, to: before.block })
}

/** Stored blocks below `before`, newest first. */
export async function storedBlocks(sql: Sql, before: number, limit: number): Promise<BlockId[]> {
  const { rows } = await sql.query('select number, hash from block where number < $1 order by number desc limit $2', [
    before,
    limit,
  ])
  return rows
}

/** The stored blocks after `after`, up to `to`, oldest first, each with the ids of its events. */
export async function storedEvents(
  sql: Sql,
  after: number,
  to: number,
): Promise<(BlockId & { events: readonly string[] })[]> {
  const { rows } = await sql.query(
    `select b.number, b.hash, coalesce(e.events, '{}') as events from block b
     left join (select from_block, array_agg(id) as events from chain_event where from_block > $1 and from_block <= $2 group by from_block) e
       on e.from_block = b.number
     where b.number > $1 and b.number <= $2 order by b.number`,
    [after, to],
  )
  return rows
}
