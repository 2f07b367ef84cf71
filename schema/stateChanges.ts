import type { Sql } from './database.ts'
import { storedColumns } from './define.ts'
import { rowText } from './rowText.ts'
import { BlockChanges, nextRoot, originRoot, plainRow, rootedTables } from './stateRoot.ts'

/** Recomputes state roots from the stored rows, to compare them with the stored roots. */

/** One change of a block: a row version that it opened or ended. */
export interface StateRowChange {
  kind: 'opened' | 'ended'
  table: string
  id: string
  fromBlock: number
  /** The row's values by column; null for an ended version. */
  values: Record<string, unknown> | null
  /** The row's text; null for an ended version. */
  text: string | null
}

/** The changes of the blocks from `from` to `to`, by block in ascending order. */
export async function changesOf(sql: Sql, from: number, to: number): Promise<Map<number, StateRowChange[]>> {
  const found = new Map<number, StateRowChange[]>()
  const add = (block: number, change: StateRowChange) => {
    const changes = found.get(block)
    if (changes) changes.push(change)
    else found.set(block, [change])
  }
  for (const table of rootedTables) {
    const name = table.table
    const columns = storedColumns(table).filter(({ property }) => property !== 'toBlock')
    const opened = await sql.query(
      `select ${columns.map(({ column }) => `"${column}"`).join(', ')} from "${name}" where from_block between $1 and $2`,
      [from, to],
    )
    for (const stored of opened.rows) {
      const row = Object.fromEntries(columns.map(({ property, column }) => [property, stored[column]]))
      const { id, from_block: fromBlock } = stored
      const text = rowText(table, row)
      add(fromBlock, { kind: 'opened', table: name, id, fromBlock, values: plainRow(table, row), text })
    }
    const ended = await sql.query(`select id, from_block, to_block from "${name}" where to_block between $1 and $2`, [
      from,
      to,
    ])
    for (const { id, from_block: fromBlock, to_block } of ended.rows)
      add(to_block, { kind: 'ended', table: name, id, fromBlock, values: null, text: null })
  }
  return new Map([...found].sort(([a], [b]) => a - b))
}

/** The digest of a block's changes. */
export function digestOf(changes: readonly StateRowChange[]): string {
  const block = new BlockChanges()
  for (const { table, id, fromBlock, text } of changes)
    if (text === null) block.ended(table, id, fromBlock)
    else block.opened(table, text)
  return block.digest()
}

export interface StoredRoot {
  block: number
  hash: string
  digest: string
  root: string
}

const ROOTS = 'select from_block as block, block_hash as hash, digest, root from state_root where id = $1'

/** The stored roots from block `from` on, oldest first. */
export async function storedRoots(sql: Sql, chainId: number, from: number, limit: number): Promise<StoredRoot[]> {
  const { rows } = await sql.query<StoredRoot & { [column: string]: unknown }>(
    `${ROOTS} and from_block >= $2 order by from_block limit $3`,
    [String(chainId), from, limit],
  )
  return rows
}

/** The stored root as of a block; undefined before the first change. */
export async function rootAt(sql: Sql, chainId: number, block: number): Promise<StoredRoot | undefined> {
  const { rows } = await sql.query(`${ROOTS} and from_block <= $2 order by from_block desc limit 1`, [
    String(chainId),
    block,
  ])
  return rows[0]
}

/** The number of blocks with changes that are recomputed together. */
const MAX_ROOTS_PER_RANGE = 500

export interface AuditedRange {
  /** The last block of the range. */
  to: number
  roots: StoredRoot[]
  /** By block, recomputed from the rows. */
  digests: Map<number, string>
}

/** Yields consecutive block ranges, each with the stored roots and the digests recomputed from the rows. */
export async function* auditStateRoots(
  sql: Sql,
  chainId: number,
  from: number,
  to: number,
): AsyncGenerator<AuditedRange> {
  for (let next = from; next <= to; ) {
    const roots = (await storedRoots(sql, chainId, next, MAX_ROOTS_PER_RANGE)).filter(({ block }) => block <= to)
    const last = roots.at(MAX_ROOTS_PER_RANGE - 1) // the range is full when there is one
    const end = last?.block ?? to
    const digests = new Map<number, string>()
    for (const [block, changes] of await changesOf(sql, next, end)) digests.set(block, digestOf(changes))
    yield { to: end, roots, digests }
    next = end + 1
  }
}

/** The first block, up to `to`, whose stored root does not follow from its rows and the previous root; undefined when all roots are right. */
export async function firstWrongRoot(
  sql: Sql,
  chainId: number,
  contracts: Readonly<Record<string, string>>,
  to: number,
): Promise<number | undefined> {
  let before = originRoot(chainId, contracts)
  for await (const { roots, digests } of auditStateRoots(sql, chainId, 0, to)) {
    const stored = new Map(roots.map((root) => [root.block, root]))
    for (const block of [...new Set([...stored.keys(), ...digests.keys()])].sort((a, b) => a - b)) {
      const root = stored.get(block)
      const digest = digests.get(block)
      if (!root || !digest || digest !== root.digest || root.root !== nextRoot(before, block, root.hash, digest))
        return block
      before = root.root
    }
  }
  return undefined
}
