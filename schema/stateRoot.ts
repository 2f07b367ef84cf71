import { createHash } from 'node:crypto'
import type { TableDefinition } from './define.ts'
import { versionedTables } from './entities.ts'
import { StateRoot } from './onchain/chain.ts'
import { fieldText, sorted, textColumns } from './rowText.ts'

/** The state root: a digest of everything that was indexed up to a block, the same on every machine, in whatever batches it was
 *  written and wherever it was restarted.
 *
 *  A block's *changes* are the versions of rows that it opened and those that it ended. Each is one line of text; the block's
 *  digest is the SHA-256 of its lines, table by table and sorted, so that no order of writing shows. The root of a block that
 *  changed anything is the SHA-256 of the root before it, its number, its hash and its digest. So a root binds every version of every row since the
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

/** What one block changes, table by table, as lines: of an opened version its row's text (`rowText`), of an ended one its id and the
 *  block that opened it. */
export class BlockChanges {
  private readonly tables = new Map<string, { opened: string[]; ended: string[] }>()
  /** How many. */
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

  /** The SHA-256 of each changed table's name and numbers of lines, then its lines, sorted. */
  digest(): string {
    const hash = createHash('sha256')
    for (const table of [...this.tables.keys()].sort()) {
      const { opened, ended } = this.tables.get(table)!
      hash.update(`${table}\t${opened.length}\t${ended.length}\n`)
      for (const lines of [opened, ended]) if (lines.length) hash.update(`${lines.sort().join('\n')}\n`)
    }
    return `0x${hash.digest('hex')}`
  }
}

/** The root before the first change: of one deployment on one chain. */
export const originRoot = (chainId: number, contracts: Readonly<Record<string, string>>): string =>
  sha256(JSON.stringify(['modelcommons state root 2', chainId, sorted(contracts)]))

export const nextRoot = (before: string, block: number, hash: string, digest: string): string =>
  sha256(JSON.stringify([before, block, hash, digest]))
