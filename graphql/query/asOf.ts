import type { Sql } from '#schema/database.ts'
import { ApiError } from '../errors.ts'
import type { AsOfInput } from './asOfInput.ts'
import { prepared } from './prepared.ts'
import { SharedRead } from './sharedRead.ts'

/** The point in the chain as of which rows are read. `block` is null while nothing is indexed. */
export interface AsOf {
  block: number | null
  hash: string | null
  /** The time at which time-dependent states are evaluated. */
  time: Date | null
  /** The value of a block-number clock, when it is later than `block` because blocks without a stored header have passed. */
  clock?: number
}

/** The state of the index: its newest block and the final block. */
export interface Head extends AsOf {
  block: number
  finalBlock: number
  headBlock: number
  contracts: Record<string, string>
}

const headReads = new WeakMap<Sql, Map<number, SharedRead<Head | null>>>()

/** The present head of the index. */
export function currentHead(sql: Sql, chainId: number): Promise<Head | null> {
  let chains = headReads.get(sql)
  if (!chains) headReads.set(sql, (chains = new Map()))
  let reads = chains.get(chainId)
  if (!reads) chains.set(chainId, (reads = new SharedRead(() => readHead(sql, chainId))))
  return reads.read()
}

async function readHead(sql: Sql, chainId: number): Promise<Head | null> {
  const { rows } = await sql.query(
    prepared(
      `select c.block, c.hash, c.final_block as "finalBlock", c.head_block as "headBlock", c.contracts, b.timestamp as time
     from cursor c left join lateral (select timestamp from block where number <= c.block order by number desc limit 1) b on true
     where c.id = $1`,
      [String(chainId)],
    ),
  )
  return rows[0] ?? null
}

/** Resolves the argument `asOf`. Only headers of blocks with events, of the newest blocks, and of those around which states of proposals change are
 *  stored; between two of them, times and block numbers are interpolated linearly. @throws ApiError when the input has not exactly one field, or names a block that is not indexed. */
export async function resolveAsOf(sql: Sql, head: Head | null, input: AsOfInput): Promise<AsOf> {
  const given = Object.entries(input).filter(([, value]) => value !== null && value !== undefined)
  if (given.length !== 1)
    throw new ApiError(
      'BAD_AS_OF',
      'asOf takes exactly one of block, hash and time. Leave it out to ask for the present.',
    )
  if (!head) throw new ApiError('NOT_INDEXED', 'Nothing is indexed yet. Try again when the indexer has started.')
  if (typeof input.hash === 'string') {
    const text = 'select number as block, hash, timestamp as time from block where hash = $1'
    const { rows } = await sql.query(prepared(text, [input.hash.toLowerCase()]))
    if (rows[0] && rows[0].block <= head.block) return rows[0]
    throw new ApiError(
      'UNKNOWN_BLOCK',
      `No block with the hash ${input.hash.slice(0, 80)} is part of the indexed chain. A reorganisation may have removed it; use block or time instead.`,
    )
  }
  if (input.time) {
    const { before, after } = await headersAround(sql, head, 'timestamp', input.time)
    if (before) {
      const { block, hash } = before
      const passed = after ? interpolate(+input.time, [+before.time, +after.time], [block, after.block]) : block
      return { block, hash, time: input.time, clock: Math.floor(passed) }
    }
    throw new ApiError('UNKNOWN_BLOCK', `No indexed block is as old as ${input.time.toISOString()}. Use a later time.`)
  }
  const { block } = input
  if (typeof block !== 'number' || block < 0 || block > head.block)
    throw new ApiError(
      'UNKNOWN_BLOCK',
      `Block ${block} is not indexed: the newest indexed block is ${head.block}. Use a block from 0 to ${head.block}.`,
    )
  const { before, after } = await headersAround(sql, head, 'number', block)
  if (before?.block === block) return before
  if (!before || !after) return { block, hash: null, time: before?.time ?? null }
  const ms = interpolate(block, [before.block, after.block], [+before.time, +after.time])
  return { block, hash: null, time: new Date(Math.floor(ms / 1000) * 1000) }
}

interface StoredHeader {
  block: number
  hash: string
  time: Date
}

/** The last stored header up to a block number or time, and the first one after it. */
async function headersAround(
  sql: Sql,
  head: Head,
  by: 'number' | 'timestamp',
  value: unknown,
): Promise<{ before?: StoredHeader; after?: StoredHeader }> {
  const nearest = (comparison: string, direction: string) =>
    `(select number as block, hash, timestamp as time from block where ${by} ${comparison} $1 and number <= $2
      order by ${by} ${direction}, number ${direction} limit 1)`
  const text = `select true as before, b.* from ${nearest('<=', 'desc')} b union all select false, b.* from ${nearest('>', 'asc')} b`
  const { rows } = await sql.query(prepared(text, [value, head.block]))
  const one = (side: boolean): StoredHeader | undefined => {
    const found = rows.find(({ before }) => before === side)
    return found && { block: found.block, hash: found.hash, time: found.time }
  }
  return { before: one(true), after: one(false) }
}

/** Maps `value` linearly from `[low, high]` to `[from, to]`. */
const interpolate = (value: number, [low, high]: [number, number], [from, to]: [number, number]) =>
  from + ((value - low) * (to - from)) / (high - low)
