import { keccak256, stringToBytes } from 'viem'
import type { Sql } from '#schema/database.ts'
import {
  type ColumnDefinition,
  type EntityClass,
  storedColumns,
  type TableDefinition,
  tableOf,
} from '#schema/define.ts'
import { addEarnings } from '#schema/earnings.ts'
import { Block, Cursor } from '#schema/onchain/chain.ts'
import { backfillTotals } from '#schema/totals.ts'
import { must } from '#test/must.ts'

/** Creates rows for tests: a test gives the fields that matter, and the others get valid default values. The same calls create the same rows. */

export const TEST_CHAIN_ID = 31337
/** The time of block 0, in milliseconds; blocks are twelve seconds apart. */
export const GENESIS_MS = Date.UTC(2026, 0, 1)

export const blockTime = (block: number) => new Date(GENESIS_MS + block * 12_000)
export const blockHash = (block: number, fork = '') => keccak256(stringToBytes(`block ${block}${fork}`))
export const account = (n: number) => `0x${n.toString(16).padStart(40, '0')}`

/** A valid value for a column of the row with this id. */
function defaultValue(column: ColumnDefinition, id: string): unknown {
  if (column.nullable) return null
  switch (column.kind) {
    case 'wei':
      return 0n
    case 'int':
    case 'block':
    case 'clock':
    case 'float':
      return 0
    case 'flag':
      return false
    case 'time':
      return blockTime(0)
    case 'json':
      return {}
    case 'texts':
      return []
    case 'choice':
      return must(column.values)[0]
    case 'address':
      return account(1)
    case 'hash':
      return keccak256(stringToBytes(`${column.property} of ${id}`))
    default:
      return column.ref ? '1' : `${column.property} of ${id}`
  }
}

/** Inserts one row of `entity`. An on-chain row is valid from block 1, unless `fromBlock` is given. */
export async function insert<T extends object>(
  sql: Sql,
  entity: EntityClass<T>,
  values: Partial<T> & { id: string },
): Promise<void> {
  await insertAll(sql, entity, [values])
}

/** Inserts many rows of `entity`, a thousand in each statement; with them the values that another table keeps for them. */
export async function insertAll<T extends object>(
  sql: Sql,
  entity: EntityClass<T>,
  all: readonly (Partial<T> & { id: string })[],
): Promise<void> {
  const definition = tableOf(entity)
  const { columns, versioned } = definition
  const rows = all.map((values): Record<string, unknown> => {
    const given: Record<string, unknown> = versioned ? { fromBlock: 1, toBlock: null, ...values } : { ...values }
    const unknown = Object.keys(given).find((key) => !columns.some(({ property }) => property === key))
    if (unknown) throw new Error(`${entity.name} has no property ${unknown}`)
    return given
  })
  await insertRows(sql, definition, rows)
  for (const keeper of new Set(columns.map(({ keptIn }) => keptIn))) if (keeper) await insertRows(sql, keeper, rows)
}

async function insertRows(sql: Sql, table: TableDefinition, all: readonly Record<string, unknown>[]) {
  const columns = storedColumns(table)
  const names = columns.map(({ column }) => `"${column}"`).join(', ')
  for (let start = 0; start < all.length; start += 1000) {
    const bound: unknown[] = []
    const rows = all.slice(start, start + 1000).map((given) => {
      const places = columns.map((column) => {
        const value = column.property in given ? given[column.property] : defaultValue(column, given.id as string)
        bound.push(column.kind === 'json' && value !== null ? JSON.stringify(value) : value)
        return `$${bound.length}`
      })
      return `(${places.join(', ')})`
    })
    await sql.query(`insert into "${table.table}" (${names}) values ${rows.join(', ')}`, bound)
  }
}

/** Inserts the blocks 0 to `head` and sets the cursor to `head`; blocks up to `final` are final. */
export async function insertChain(sql: Sql, head: number, { final = head, fork = '' } = {}): Promise<void> {
  const blocks = Array.from({ length: head + 1 }, (_, number) => ({
    id: String(number),
    number,
    hash: blockHash(number, fork),
    parentHash: blockHash(number - 1, fork),
    timestamp: blockTime(number),
    final: number <= final,
  }))
  await insertAll(sql, Block, blocks)
  await insert(sql, Cursor, {
    id: String(TEST_CHAIN_ID),
    block: head,
    hash: blockHash(head, fork),
    finalBlock: final,
    headBlock: head,
    contracts: {},
  })
}

/** Counts the totals of the rows that a test has inserted, in place of the indexer and of settlement. */
export async function countTotals(sql: Sql): Promise<void> {
  await sql.query('truncate contributor_total, validator_total, total')
  await backfillTotals(sql)
  await addEarnings(sql, 1)
}
