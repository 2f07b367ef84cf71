import type { Sql } from '#schema/database.ts'
import { ApiError } from '../errors.ts'
import type { AsOfInput } from './asOfInput.ts'
import { prepared } from './prepared.ts'

/** A moment of the chain at which an answer holds. `block` null: nothing is indexed yet. */
export interface AsOf {
  block: number | null
  hash: string | null
  /** The time for which time-dependent states are computed. */
  time: Date | null
  /** What a clock of blocks shows, where that is later than `block`: blocks without a kept header went by since. */
  clock?: number
}

/** How far the index has come. */
export interface Head extends AsOf {
  finalBlock: number
  headBlock: number
  contracts: Record<string, string>
}

/** Reads of the head of one chain: each begins after it was asked for; what is asked for while one runs shares the next. */
class HeadReads {
  private running: Promise<Head | null> | undefined
  private next: Promise<Head | null> | undefined

  constructor(private readonly start: () => Promise<Head | null>) {}

  read(): Promise<Head | null> {
    if (!this.running) return this.begin()
    const begin = () => {
      this.next = undefined
      return this.begin()
    }
    this.next ??= this.running.then(begin, begin)
    return this.next
  }

  private begin(): Promise<Head | null> {
    const running = this.start()
    const end = () => {
      if (this.running === running) this.running = undefined
    }
    this.running = running
    running.then(end, end)
    return running
  }
}

const heads = new WeakMap<Sql, Map<number, HeadReads>>()

/** How far the index has come by now. */
export function currentHead(sql: Sql, chainId: number): Promise<Head | null> {
  let chains = heads.get(sql)
  if (!chains) heads.set(sql, (chains = new Map()))
  let reads = chains.get(chainId)
  if (!reads) chains.set(chainId, (reads = new HeadReads(() => readHead(sql, chainId))))
  return reads.read()
}

export async function readHead(sql: Sql, chainId: number): Promise<Head | null> {
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

/** The moment that `asOf` names. Headers are kept of blocks in which something happened, and of the newest: between two of them the chain is
 *  taken to have gone on evenly. @throws ApiError when it names several, or one that is not indexed. */
export async function resolveAsOf(sql: Sql, head: Head | null, input: AsOfInput): Promise<AsOf> {
  const given = Object.entries(input).filter(([, value]) => value !== null && value !== undefined)
  if (given.length !== 1)
    throw new ApiError(
      'BAD_AS_OF',
      'asOf takes exactly one of block, hash and time. Leave it out to ask for the present.',
    )
  if (!head) throw new ApiError('NOT_INDEXED', 'Nothing is indexed yet. Ask again once the indexer has begun.')
  if (typeof input.hash === 'string') {
    const text = 'select number as block, hash, timestamp as time from block where hash = $1'
    const { rows } = await sql.query(prepared(text, [input.hash.toLowerCase()]))
    if (rows[0] && rows[0].block <= head.block!) return rows[0]
    throw new ApiError(
      'UNKNOWN_BLOCK',
      `No block with the hash ${input.hash.slice(0, 80)} is part of the indexed chain. It may have been retracted; ask by block or time.`,
    )
  }
  if (input.time) {
    const { before, after } = await headersAround(sql, head, 'timestamp', input.time)
    if (before) {
      const { block, hash } = before
      const passed = after ? interpolate(+input.time, [+before.time, +after.time], [block, after.block]) : block
      return { block, hash, time: input.time, clock: Math.floor(passed) }
    }
    throw new ApiError('UNKNOWN_BLOCK', `Nothing was indexed by ${input.time.toISOString()}. Ask for a later time.`)
  }
  const block = input.block!
  if (block < 0 || block > head.block!)
    throw new ApiError(
      'UNKNOWN_BLOCK',
      `Block ${block} is not indexed: the index stands at block ${head.block}. Ask for a block from 0 to that.`,
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

/** The last kept header up to a place in the chain, and the first one after it. */
async function headersAround(
  sql: Sql,
  head: Head,
  by: 'number' | 'timestamp',
  place: unknown,
): Promise<{ before?: StoredHeader; after?: StoredHeader }> {
  const kept = (side: string, direction: string) =>
    `(select number as block, hash, timestamp as time from block where ${by} ${side} $1 and number <= $2
      order by ${by} ${direction}, number ${direction} limit 1)`
  const text = `select true as before, b.* from ${kept('<=', 'desc')} b union all select false, b.* from ${kept('>', 'asc')} b`
  const { rows } = await sql.query(prepared(text, [place, head.block]))
  const one = (side: boolean): StoredHeader | undefined => {
    const found = rows.find(({ before }) => before === side)
    return found && { block: found.block, hash: found.hash, time: found.time }
  }
  return { before: one(true), after: one(false) }
}

/** Where `place` lies between `from` and `to`, when what lies between `low` and `high` goes evenly. */
const interpolate = (place: number, [low, high]: [number, number], [from, to]: [number, number]) =>
  from + ((place - low) * (to - from)) / (high - low)
