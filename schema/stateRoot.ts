import { createHash } from 'node:crypto'
import type { ColumnDefinition, TableDefinition } from './define.ts'
import { versionedTables } from './entities.ts'
import { StateRoot } from './onchain/chain.ts'

/** The state root: a digest of everything that was indexed up to a block, the same on every machine, in whatever batches it was
 *  written and wherever it was restarted.
 *
 *  A block's *changes* are the versions of rows that it opened and those that it ended. Each is one line of JSON; the block's
 *  digest is the SHA-256 of its lines, sorted, so that no order of writing shows. The root of a block that changed anything is the
 *  SHA-256 of the root before it, its number, its hash and its digest. So a root binds every version of every row since the
 *  first block, and two indexes with one root have the same rows, unless somebody found a collision of SHA-256. Additive
 *  multiset hashes (Bellare and Micciancio, EUROCRYPT 1997) would need no sorting, but at this width they fall to the
 *  generalised birthday attack (Wagner, CRYPTO 2002), and a block is always written whole, so that it can be sorted. */

const sha256 = (text: string) => `0x${createHash('sha256').update(text).digest('hex')}`

/** The tables that the root covers: all that the indexer writes, but for the root itself. */
export const rootedTables: readonly TableDefinition[] = versionedTables.filter(({ entity }) => entity !== StateRoot)

interface Shape {
  table: string
  columns: readonly ColumnDefinition[]
}

const shapes = new Map<TableDefinition, Shape>()

/** Columns by name: their order in the class is no fact. */
function shapeOf(table: TableDefinition): Shape {
  const known = shapes.get(table)
  if (known) return known
  const columns = table.columns
    .filter(({ property }) => property !== 'id' && property !== 'fromBlock' && property !== 'toBlock')
    .sort((a, b) => (a.column < b.column ? -1 : 1))
  const shape = { table: table.table, columns }
  shapes.set(table, shape)
  return shape
}

/** Objects with their keys sorted, so that the order in which PostgreSQL gives them back does not show. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(sorted)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}

/** A value as it stands in a line: integers as decimal strings, moments as milliseconds. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  if (value instanceof Date) return value.getTime()
  return typeof value === 'object' ? sorted(value) : value
}

/** The values of a row by column, as its line has them. */
export function plainRow(table: TableDefinition, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(shapeOf(table).columns.map(({ property, column }) => [column, plain(row[property])]))
}

/** What `JSON.stringify` makes of a value whose keys are sorted, without making that value first. */
function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((inner) => canonical(inner ?? null)).join(',')}]`
  const record = value as Record<string, unknown>
  let text = ''
  for (const key of Object.keys(record).sort())
    if (record[key] !== undefined) text += `${text && ','}${JSON.stringify(key)}:${canonical(record[key])}`
  return `{${text}}`
}

/** The line of a version that a block opened. */
export function openedLine(table: TableDefinition, row: Readonly<Record<string, unknown>>): string {
  const { table: name, columns } = shapeOf(table)
  let line = `["opened",${JSON.stringify(name)},${JSON.stringify(row.id)}`
  for (const { property } of columns) {
    const value = row[property]
    if (typeof value === 'bigint' || typeof value === 'number') line += `,"${value}"`
    else if (value instanceof Date) line += `,${value.getTime()}`
    else line += `,${value === undefined ? 'null' : canonical(value)}`
  }
  return `${line}]`
}

/** The line of a version, open since `fromBlock`, that a block ended. */
export const endedLine = (table: TableDefinition, id: string, fromBlock: number): string =>
  `["ended",${JSON.stringify(table.table)},${JSON.stringify(id)},${fromBlock}]`

/** A block's digest from the lines of its changes, in any order. */
export const digestOf = (lines: string[]): string => sha256(lines.sort().join('\n'))

/** The root before the first change: of one deployment on one chain. */
export const originRoot = (chainId: number, contracts: Readonly<Record<string, string>>): string =>
  sha256(JSON.stringify(['modelcommons state root 1', chainId, sorted(contracts)]))

export const nextRoot = (before: string, block: number, hash: string, digest: string): string =>
  sha256(JSON.stringify([before, block, hash, digest]))
