import type { Sql } from '#schema/database.ts'
import { ApiError } from '../errors.ts'
import { prepared } from './prepared.ts'

/** A moment of the chain at which an answer holds. `block` null: nothing is indexed yet. */
export interface Moment {
  block: number | null
  hash: string | null
  /** The time for which time-dependent states are computed. */
  time: Date | null
}

/** How far the index has come. */
export interface Head extends Moment {
  finalBlock: number
  headBlock: number
  contracts: Record<string, string>
}

/** What a client may ask for: exactly one of the three. */
export interface AsOf {
  block?: number | null
  hash?: string | null
  time?: Date | null
}

/** Reads of the head of one chain: each begins after it was asked for; what is asked for while one runs shares the next. */
class Heads {
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

const heads = new WeakMap<Sql, Map<number, Heads>>()

/** How far the index has come by now. */
export function currentHead(sql: Sql, chainId: number): Promise<Head | null> {
  let chains = heads.get(sql)
  if (!chains) heads.set(sql, (chains = new Map()))
  let reads = chains.get(chainId)
  if (!reads) chains.set(chainId, (reads = new Heads(() => readHead(sql, chainId))))
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

/** The moment that `asOf` names. @throws ApiError when it names several, or one that is not indexed. */
export async function readMoment(sql: Sql, head: Head | null, asOf: AsOf): Promise<Moment> {
  const given = Object.entries(asOf).filter(([, value]) => value !== null && value !== undefined)
  if (given.length !== 1)
    throw new ApiError(
      'BAD_AS_OF',
      'asOf takes exactly one of block, hash and time. Leave it out to ask for the present.',
    )
  if (!head) throw new ApiError('NOT_INDEXED', 'Nothing is indexed yet. Ask again once the indexer has begun.')
  const known = (column: 'number' | 'hash', value: unknown) =>
    sql.query(`select number as block, hash, timestamp as time from block where ${column} = $1`, [value])
  if (asOf.hash) {
    const { rows } = await known('hash', asOf.hash.toLowerCase())
    if (rows[0] && rows[0].block <= head.block!) return rows[0]
    throw new ApiError(
      'UNKNOWN_BLOCK',
      `No block with the hash ${asOf.hash.slice(0, 80)} is part of the indexed chain. It may have been retracted; ask by block or time.`,
    )
  }
  if (asOf.time) {
    const { rows } = await sql.query(
      'select number as block, hash from block where timestamp <= $1 and number <= $2 order by number desc limit 1',
      [asOf.time, head.block],
    )
    if (rows[0]) return { ...rows[0], time: asOf.time }
    throw new ApiError('UNKNOWN_BLOCK', `Nothing was indexed by ${asOf.time.toISOString()}. Ask for a later time.`)
  }
  const block = asOf.block!
  if (block < 0 || block > head.block!)
    throw new ApiError(
      'UNKNOWN_BLOCK',
      `Block ${block} is not indexed: the index stands at block ${head.block}. Ask for a block from 0 to that.`,
    )
  const { rows } = await known('number', block)
  if (rows[0]) return rows[0]
  const earlier = await sql.query(
    'select timestamp as time from block where number <= $1 order by number desc limit 1',
    [block],
  )
  return { block, hash: null, time: earlier.rows[0]?.time ?? null }
}
