import type { Database } from '#schema/database.ts'
import { versionedTables } from '#schema/entities.ts'
import type { SimulatedChain } from './chain.ts'

/** Two oracles: the rows of a clean sync, and the chain itself. */

const side = (table: string, mine: string, other: string, says: string) =>
  `select '${table}, ${says}: ' || to_jsonb(t)::text as line from (select * from ${mine}."${table}" except select * from ${other}."${table}") t`

const DIFFERENCE = versionedTables
  .flatMap(({ table }) => [
    side(table, 'public', 'clean', 'only in the index'),
    side(table, 'clean', 'public', 'only in the clean sync'),
  ])
  .join(' union all ')

/** The rows that are only in the index or only in the clean sync, by `except` in both directions over every versioned table. */
export async function differingRows(db: Database): Promise<string[]> {
  return (await db.query(DIFFERENCE)).rows.map(({ line }) => line)
}

const positionOf = (block: number, index: number) =>
  `${String(block).padStart(12, '0')}-${String(index).padStart(6, '0')}`

/** Where the index contradicts the chain about events, blocks and finality. This oracle shares no code with the indexer. */
export async function contradictions(db: Database, chain: SimulatedChain): Promise<string[]> {
  const found: string[] = []
  const { rows: events } = await db.query('select id, address, transaction_hash from chain_event')
  const stored = new Map(events.map(({ id, address, transaction_hash }) => [id, `${address} ${transaction_hash}`]))
  for (const block of chain.blocks)
    for (const [index, log] of block.logs.entries()) {
      const id = positionOf(block.number, index)
      const said = `${log.address} ${block.hash}` // a simulated block has one transaction, with the hash of the block
      if (stored.get(id) !== said) found.push(`event ${id}: the chain has ${said}, the index ${stored.get(id)}`)
      stored.delete(id)
    }
  for (const [id, what] of stored) found.push(`event ${id}: the index has ${what}, the chain nothing`)
  const { rows: blocks } = await db.query('select number, hash, parent_hash, timestamp, final from block')
  for (const { number, hash, parent_hash, timestamp, final } of blocks) {
    const block = chain.blocks[number]
    if (block?.hash !== hash || block?.parentHash !== parent_hash || block?.timestamp !== timestamp.getTime() / 1000)
      found.push(`block ${number}: the index has ${hash}, the chain ${block?.hash}`)
    if (final !== number <= chain.final)
      found.push(`block ${number}: final ${final}, but ${chain.final} is the last final one`)
  }
  return found
}
