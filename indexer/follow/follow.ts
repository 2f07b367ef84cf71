import type { Database } from '#schema/database.ts'
import { type Children, childSteps } from '../chain/children.ts'
import { gathered } from '../chain/gather.ts'
import type { Source, Tip } from '../chain/source.ts'
import { type Header, Inconsistent, type Stretch } from '../chain/stretch.ts'
import { IndexerError } from '../errors.ts'
import type { Governances } from '../governors/governances.ts'
import { type Followed, stepsOf } from '../handlers/events.ts'
import {
  advance,
  type Contracts,
  CursorMoved,
  type Position,
  readCursor,
  retract,
  storedBlocks,
} from '../store/cursor.ts'
import { type BatchChanges, Rows, write } from '../store/rows.ts'
import { seal } from '../store/seal.ts'
import type { Counters } from './metrics.ts'

/** Follows the chain: one round brings the rows to the newest block, or back to the last block that still stands. */

/** The most blocks that are linked by hash in one step. */
const LINKED_BLOCKS = 256
const ANCESTORS_AT_ONCE = 64

/** How long a node must show a chain without a block that was final, and how often, until it is believed. */
const GRAVE_PATIENCE_MS = 2_000
const GRAVE_TIMES = 3

export interface Chain {
  db: Database
  source: Source
  chainId: number
  contracts: Contracts
  followed: Followed
  children: Children
  governances: Governances
  startBlock: number
  counters: Counters
  /** What to do when a final block is no longer on the chain: stop with an error, or take it back like any other. */
  deepReorganisation: 'stop' | 'rewind'
  /** Rows of each table that stay in memory. */
  keptRows?: number
  /** How long a node may show a shorter chain before its missing blocks are taken back, in milliseconds. */
  patienceMs: number
  /** How long it must show a chain without a block that was final, in milliseconds. */
  gravePatienceMs?: number
  signal: AbortSignal
}

export class Follower {
  private readonly rows: Rows
  private shorterSince: number | undefined
  /** Since when, and how often, the node has shown a chain without our last final block. */
  private grave: { since: number; times: number } | undefined
  /** What is stored. */
  position: Position
  /** What is stored once the batch that is being written is. */
  private ahead: Position
  private storing: Promise<void> = Promise.resolve()

  constructor(
    private readonly chain: Chain,
    position: Position,
  ) {
    this.rows = new Rows(chain.keptRows)
    this.position = this.ahead = position
  }

  /** Starts over from what the database says. */
  async reload() {
    const { db, chainId, contracts, children } = this.chain
    this.rows.forget()
    await children.restore(db)
    const stored = await readCursor(db, chainId, contracts)
    if (!stored)
      throw new IndexerError('The cursor is gone: the database was emptied while the indexer ran. Start it again.')
    this.position = this.ahead = stored
  }

  /** One round. @returns whether anything changed. */
  async round(): Promise<boolean> {
    const { source } = this.chain
    const at = this.position
    const tip = await source.tip(at.block)
    const { head } = tip
    this.chain.counters.headBlock = head.number
    if (head.number < at.block) return this.shorter(tip)
    this.shorterSince = undefined
    if (head.number === at.block) {
      if (head.hash !== at.hash) return this.reconcile(tip)
      this.grave = undefined
      return this.settle(tip)
    }
    if (tip.final > at.block) {
      if (!(await this.stands())) return this.reconcile(tip)
      await this.pipelined(async () => {
        for await (const stretch of gathered(source.finalStretches(at.block + 1, tip, at.hash))) {
          await this.apply(stretch, tip)
          this.chain.signal.throwIfAborted()
        }
      })
    }
    while (this.position.block < head.number) {
      const stretch = await this.link(tip)
      if (!stretch) return this.reconcile(tip)
      await this.pipelined(() => this.apply(stretch, tip))
      this.chain.signal.throwIfAborted()
    }
    return true
  }

  /** The next blocks above the final ones, or undefined when our last block is no longer on the chain. */
  private async link(tip: Tip): Promise<Stretch | undefined> {
    const { source } = this.chain
    const { block, hash } = this.position
    const far = tip.head.number - block > LINKED_BLOCKS
    const to = far ? (await source.headers([block + LINKED_BLOCKS]))[0] : tip.head
    if (!to) throw new Inconsistent(`The node lost block ${block + LINKED_BLOCKS}`)
    try {
      return await source.linkedStretch({ number: block, hash }, to)
    } catch (error) {
      if (error instanceof Inconsistent && !(await this.stands())) return undefined
      throw error
    }
  }

  /** Whether our last block is still on the chain. */
  private async stands(): Promise<boolean> {
    const [now] = await this.chain.source.headers([this.position.block])
    if (!now) throw new Inconsistent(`The node lost block ${this.position.block}: another of its copies may lag behind`)
    return now.hash === this.position.hash
  }

  /** Applies stretches, each prepared while the one before is stored, until all are stored. */
  private async pipelined(work: () => Promise<void>) {
    try {
      await work()
      await this.storing
    } catch (error) {
      await this.storing.catch(() => {}) // what was on its way may still have arrived
      this.storing = Promise.resolve()
      this.rows.forget()
      this.ahead = this.position
      if (error instanceof CursorMoved) await this.reload()
      else await this.chain.children.restore(this.chain.db).catch(() => {}) // the next round begins by it
      throw error
    }
  }

  /** Prepares a stretch's rows, and begins to store them once those before are stored. */
  private async apply(stretch: Stretch, tip: Tip) {
    const { db, followed, governances } = this.chain
    const last = stretch.headers.at(-1)!
    const before = this.ahead
    const after: Position = {
      block: last.number,
      hash: last.hash,
      finalBlock: Math.max(before.finalBlock, Math.min(tip.final, last.number)),
      headBlock: tip.head.number,
    }
    if (this.rows.full) {
      await this.storing // what is in memory must be in the database before it is forgotten
      this.rows.forget()
    }
    const events = stepsOf(stretch, followed, governances, this.rows)
    const steps = [...childSteps(stretch, this.rows), ...events]
    // Outside the transaction: what the batch that is on its way there changes is in memory, and nobody else writes; if another
    // indexer does, the cursor has moved, and the transaction fails.
    await this.rows.run(db, steps)
    await seal(db, this.rows, this.chain, stretch.headers)
    const batch = this.rows.take()
    await this.storing
    this.ahead = after
    this.storing = this.store(before, after, stretch, batch, events.length)
    this.storing.catch(() => {}) // awaited by the next batch, or at the end
  }

  private async store(before: Position, after: Position, stretch: Stretch, batch: BatchChanges, events: number) {
    const { db, chainId, counters } = this.chain
    const began = performance.now()
    await db.transaction((sql) => advance(sql, chainId, before, after, stretch.headers, () => write(sql, batch)))
    this.position = after
    this.grave = undefined
    counters.batches++
    counters.blocks += stretch.to - stretch.from + 1
    counters.events += events
    counters.commitMs += performance.now() - began
  }

  /** Moves finality, and the head that was seen, when no block came. */
  private async settle(tip: Tip): Promise<boolean> {
    const { db, chainId } = this.chain
    const finalBlock = Math.max(this.position.finalBlock, Math.min(tip.final, this.position.block))
    if (finalBlock === this.position.finalBlock) return false
    const after = { ...this.position, finalBlock, headBlock: tip.head.number }
    await this.commit(() => db.transaction((sql) => advance(sql, chainId, this.position, after, [], async () => {})))
    this.position = this.ahead = after
    return true
  }

  /** The node's chain is shorter than ours: a node that lags, or a chain that was set back. */
  private async shorter(tip: Tip): Promise<boolean> {
    this.shorterSince ??= performance.now()
    if (performance.now() - this.shorterSince < this.chain.patienceMs) return false
    this.shorterSince = undefined
    return this.reconcile(tip)
  }

  /** Whether the node has long enough shown a chain without a block that was final: a copy of it that lags, or is on a fork that the
   *  others left, is far likelier than that. */
  private graveLasts(): boolean {
    this.grave ??= { since: performance.now(), times: 0 }
    this.grave.times++
    const { gravePatienceMs = GRAVE_PATIENCE_MS } = this.chain
    return this.grave.times >= GRAVE_TIMES && performance.now() - this.grave.since >= gravePatienceMs
  }

  /** Finds the newest stored block that is still on the chain, and takes back everything after it. */
  private async reconcile(tip: Tip): Promise<boolean> {
    const { db, source, chainId, children, counters } = this.chain
    const before = this.position
    const ancestor = await this.ancestor(tip)
    if (ancestor.hash === before.hash) return false // the node has come to its senses
    const deep = ancestor.number < before.finalBlock
    if (deep && !this.graveLasts()) return false
    this.grave = undefined
    if (deep && this.chain.deepReorganisation === 'stop')
      throw new IndexerError(
        `The chain at RPC_URL no longer holds block ${before.finalBlock}, which was final here: its last block in common is ${ancestor.number}. If that is the right chain, rewind the index to it (modelcommons index --rewind); payments made since may need correction. Otherwise correct RPC_URL.`,
      )
    const after: Position = {
      block: ancestor.number,
      hash: ancestor.hash,
      finalBlock: Math.min(before.finalBlock, ancestor.number),
      headBlock: tip.head.number,
    }
    source.forget(ancestor.number)
    await this.commit(() => db.transaction((sql) => retract(sql, chainId, before, after)))
    this.rows.forget()
    await children.restore(db)
    this.position = this.ahead = after
    counters.reorganisations++
    counters.retractedBlocks += before.block - ancestor.number
    return true
  }

  private async ancestor(tip: Tip): Promise<Pick<Header, 'number' | 'hash'>> {
    const { db, source, startBlock } = this.chain
    for (let below = Math.min(this.position.block, tip.head.number) + 1; ; ) {
      const stored = await storedBlocks(db, below, ANCESTORS_AT_ONCE)
      if (!stored.length) break
      const now = await source.headers(stored.map(({ number }) => number))
      const absent = now.indexOf(null)
      if (absent >= 0) throw new Inconsistent(`The node lost block ${stored[absent]!.number}, though it has later ones`)
      const found = stored.findIndex(({ hash }, index) => now[index]?.hash === hash)
      if (found >= 0) return stored[found]!
      below = stored.at(-1)!.number
    }
    const [base] = await source.headers([startBlock - 1])
    if (!base)
      throw new Inconsistent(`The node has no block ${startBlock - 1}, after which the contracts were deployed`)
    return base
  }

  private async commit(work: () => Promise<void>) {
    try {
      await work()
    } catch (error) {
      this.rows.forget()
      if (error instanceof CursorMoved) await this.reload()
      throw error
    }
  }
}
