import { createHash } from 'node:crypto'
import type { TableDefinition } from './define.ts'
import { versionedTables } from './entities.ts'
import { fieldText, sorted, textColumns } from './rowText.ts'

/** The state root: a digest of everything that is indexed up to a block. It is the same on every machine and does not depend on batches or
 *  restarts.
 *
 *  A block's *changes* are the row versions that it opened and ended. Each is one line of text. The block's digest is the SHA-256 of its lines,
 *  grouped by table and sorted, so that the order of writing does not matter. The root of a block with changes is the SHA-256 of the previous
 *  root and the block's number, hash and digest. So a root commits to every version of every row since the first block, and two indexes with
 *  the same root have the same rows, unless there is a collision of SHA-256. Additive multiset hashes (Bellare and Micciancio, EUROCRYPT 1997)
 *  need no sorting, but at this width the generalised birthday attack (Wagner, CRYPTO 2002) breaks them. Sorting is possible because a block
 *  is always written whole. */

const sha256 = (text: string) => `0x${createHash('sha256').update(text).digest('hex')}`

/** The tables that the root covers: all tables of the indexer except the root's own, and totals, which follow from the others. */
export const rootedTables: readonly TableDefinition[] = versionedTables.filter(({ derived }) => !derived)

/** A value for comparison between two indexes: integers as decimal strings, times as milliseconds. */
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

/** The changes of one block as lines by table: for an opened version its row's text (`rowText`), for an ended one its id and the block that
 *  opened it. */
export class BlockChanges {
  private readonly tables = new Map<string, { opened: string[]; ended: string[] }>()
  /** The number of changes. */
  count = 0

  opened(table: string, text: string) {
    this.of(table).opened.push(text)
  }

  ended(table: string, id: string, fromBlock: number) {
    this.of(table).ended.push(`${fieldText(id)}\t${fromBlock}`)
  }

  private of(table: string) {
    this.count++
    let lines = this.tables.get(table)
    if (!lines) {
      lines = { opened: [], ended: [] }
      this.tables.set(table, lines)
    }
    return lines
  }

  /** The SHA-256 over the changed tables in order: each table's name and numbers of lines, then its sorted lines. */
  digest(): string {
    const hash = createHash('sha256')
    for (const [table, { opened, ended }] of [...this.tables].sort(([a], [b]) => (a < b ? -1 : 1))) {
      hash.update(`${table}\t${opened.length}\t${ended.length}\n`)
      for (const lines of [opened, ended]) if (lines.length) hash.update(`${lines.sort().join('\n')}\n`)
    }
    return `0x${hash.digest('hex')}`
  }
}

/** The root before the first change. It identifies one deployment on one chain. */
export const originRoot = (chainId: number, contracts: Readonly<Record<string, string>>): string =>
  sha256(JSON.stringify(['modelcommons state root 4', chainId, sorted(contracts)]))

export const nextRoot = (before: string, block: number, hash: string, digest: string): string =>
  sha256(JSON.stringify([before, block, hash, digest]))
