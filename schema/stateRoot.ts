import { createHash } from 'node:crypto'
import type { TableDefinition } from './define.ts'
import { versionedTables } from './entities.ts'
import { StateRoot } from './onchain/chain.ts'
import { fieldText, sorted, textColumns } from './rowText.ts'

/** The state root: a digest of everything that was indexed up to a block, the same on every machine, in whatever batches it was
 *  written and wherever it was restarted.
 *
 *  A block's *changes* are the versions of rows that it opened and those that it ended. Each is one line of text; the block's
 *  digest is the SHA-256 of its lines, sorted, so that no order of writing shows. The root of a block that changed anything is the
 *  SHA-256 of the root before it, its number, its hash and its digest. So a root binds every version of every row since the
 *  first block, and two indexes with one root have the same rows, unless somebody found a collision of SHA-256. Additive
 *  multiset hashes (Bellare and Micciancio, EUROCRYPT 1997) would need no sorting, but at this width they fall to the
 *  generalised birthday attack (Wagner, CRYPTO 2002), and a block is always written whole, so that it can be sorted. */

const sha256 = (text: string) => `0x${createHash('sha256').update(text).digest('hex')}`

/** The tables that the root covers: all that the indexer writes, but for the root itself. */
export const rootedTables: readonly TableDefinition[] = versionedTables.filter(({ entity }) => entity !== StateRoot)

/** A value as it is told to who compares: integers as decimal strings, moments as milliseconds. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  if (value instanceof Date) return value.getTime()
  return sorted(value)
}

/** The values of a row by column. */
export function plainRow(table: TableDefinition, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const [, ...columns] = textColumns(table)
  return Object.fromEntries(columns.map(({ property, column }) => [column, plain(row[property])]))
}

/** The line of a version that a block opened; `text` is its row's (`rowText`). */
export const openedLine = (table: TableDefinition, text: string): string => `opened\t${table.table}\t${text}`

/** The line of a version, open since `fromBlock`, that a block ended. */
export const endedLine = (table: TableDefinition, id: string, fromBlock: number): string =>
  `ended\t${table.table}\t${fieldText(id)}\t${fromBlock}`

/** A block's digest from the lines of its changes, in any order. */
export const digestOf = (lines: string[]): string => sha256(lines.sort().join('\n'))

/** The root before the first change: of one deployment on one chain. */
export const originRoot = (chainId: number, contracts: Readonly<Record<string, string>>): string =>
  sha256(JSON.stringify(['modelcommons state root 2', chainId, sorted(contracts)]))

export const nextRoot = (before: string, block: number, hash: string, digest: string): string =>
  sha256(JSON.stringify([before, block, hash, digest]))
