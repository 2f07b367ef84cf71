import type { Database } from '#schema/database.ts'
import { type BlockId, type BlockRange, lastBlock } from '../chain/blockRange.ts'
import { coalesced } from '../chain/coalesce.ts'
import type { Source } from '../chain/source.ts'
import type { Tip } from '../chain/tip.ts'
import type { FollowedDeployment, ResolvedDeployment } from '../deployment.ts'
import { InconsistentChain, IndexerError } from '../errors.ts'
import type { GovernorFacts } from '../governors/probe.ts'
import { childSteps, eventSteps, UnfitEvent } from '../handlers/steps.ts'
import type { Logger } from '../options.ts'
import { RpcUnavailable } from '../rpc/errors.ts'
import { advance, CursorMoved, keepHeaders, type Position, readCursor, retract } from '../store/cursor.ts'
import type { ChainLease } from '../store/lease.ts'
import { type BatchChanges, Rows, writeBatch } from '../store/rows.ts'
import { writeStateRoots } from '../store/stateRoots.ts'
import { AskedBlocks, recordedFacts, storeFacts } from './askedBlocks.ts'
import { commonAncestor } from './commonAncestor.ts'
import type { Counters } from './counters.ts'
import { firstDiffering } from './finalLogs.ts'
import { missingHeaders } from './turningPoints.ts'
import { UnexplainedBlocks } from './unexplained.ts'

/** Follows the chain: one round brings the rows to the newest block, or back to the last block that is still on the chain. */

/** Blocks that are linked by hash in one step, at most. */
const MAX_LINKED_BLOCKS = 256

/** How long, and in how many rounds, a node must show a chain without a block that was final before the reorganisation is accepted. */
const DEEP_REORG_PATIENCE_MS = 2_000
const DEEP_REORG_ROUNDS = 3

/** What follows from the answers of the contracts. */
interface Asked extends ResolvedDeployment {
  source: Source
  askedBlocks: AskedBlocks
  /** The deployment with what its contracts answered. */
  probed: FollowedDeployment
  facts: GovernorFacts
}

export interface FollowerContext extends ResolvedDeployment {
  db: Database
  source: Source
  counters: Counters
  askedBlocks: AskedBlocks
  probed: FollowedDeployment
  /** Asks these Governors again, as at a start. */
  askAgain: (governors: readonly string[]) => Promise<Asked>
  /** When a final block is no longer on the chain: stop with an error, or roll back as for any other block. */
  deepReorganisation: 'stop' | 'rewind'
  /** Rows of each table that stay in memory. */
  keptRows?: number
  /** How long a node may show a shorter chain before the missing blocks are rolled back, in milliseconds. */
  patienceMs: number
  /** What it stores is committed only while it holds this. */
  lease: Pick<ChainLease, 'token' | 'held'>
  /** How long a node must show a chain without a block that was final, in milliseconds. */
  deepReorgPatienceMs?: number
  signal: AbortSignal
  log?: Logger
}

export class Follower {
  private readonly rows: Rows
  private readonly unexplained = new UnexplainedBlocks()
  private shorterSince: number | undefined
  /** Up to this block the node's answers about ranges are not trusted: blocks are read by hash. */
  private byHashUntil = 0
  /** Whether final ranges were read, of which only some headers are kept, since the turning points were last looked for. */
  private mayLackHeaders = true
  /** Since when, and in how many rounds, the node has shown a chain without our last final block. */
  private deepReorg: { since: number; rounds: number } | undefined
  /** The last stored block. */
  position: Position
  /** The position once the batch that is on its way to the database is stored. */
  private pending: Position
  private storing: Promise<void> = Promise.resolve()

  constructor(
    private readonly context: FollowerContext,
    position: Position,
  ) {
    this.rows = new Rows(context.keptRows)
    this.position = this.pending = position
  }

  private get owner() {
    const { chainId, lease } = this.context
    return { chainId, token: lease.token }
  }

  /** Starts again from the cursor in the database. */
  async reload() {
    const { db, chainId, contracts } = this.context
    this.rows.forget()
    this.mayLackHeaders = true
    this.context.askedBlocks.doubt()
    await this.restore()
    const stored = await readCursor(db, chainId, contracts)
    if (!stored)
      throw new IndexerError('The cursor is gone: the database was emptied while the indexer ran. Restart the indexer.')
    this.position = this.pending = stored
  }

  /** One round. @returns whether anything changed. */
  async round(): Promise<boolean> {
    const changed = await this.follow()
    if (this.mayLackHeaders) await this.keepTurningPoints()
    const explained = await this.explain()
    this.context.counters.unexplainedBlocks = this.unexplained.size
    return explained || changed
  }

  /** Without a node, a cache has only what was asked before: the next round tries again. */
  private async keepTurningPoints() {
    const { db, source } = this.context
    try {
      const headers = await missingHeaders(db, source, this.position.finalBlock)
      if (headers.length) await this.commit(() => keepHeaders(db, this.owner, headers))
      this.mayLackHeaders = false
    } catch (error) {
      if (!(error instanceof RpcUnavailable)) throw error
    }
  }

  private async follow(): Promise<boolean> {
    const { source } = this.context
    const { block, hash } = this.position
    const tip = await source.tip(block)
    const { head } = tip
    this.context.counters.headBlock = head.number
    if (head.number < block) return this.handleShorterChain(tip)
    this.shorterSince = undefined
    const replaced = await this.context.askedBlocks.replaced(source, this.position.finalBlock)
    if (replaced.length) return this.askReplaced(replaced, tip)
    if (head.number === block) {
      if (head.hash !== hash) return this.handleReorg(tip)
      this.deepReorg = undefined
      return (await this.correct(tip)) || this.advanceFinality(tip)
    }
    if (tip.final > this.position.finalBlock) {
      if (!(await this.isCanonical())) return this.handleReorg(tip)
      if (await this.correct(tip)) return true
    }
    if (tip.final > block && block >= this.byHashUntil) {
      this.mayLackHeaders = true
      await this.pipelined(async () => {
        for await (const range of coalesced(source.finalRanges(block + 1, tip, hash))) {
          await this.apply(range, tip)
          this.context.signal.throwIfAborted()
        }
      })
    }
    while (this.position.block < head.number) {
      const range = await this.nextLinked(tip)
      if (!range) return this.handleReorg(tip)
      await this.pipelined(() => this.apply(range, tip))
      this.context.signal.throwIfAborted()
    }
    return true
  }

  /** Asks the Governors again whose block was replaced as of which they were asked, and rolls back what rests on their answers.
   *  @returns whether anything changed. */
  private async askReplaced(replaced: readonly string[], tip: Tip): Promise<boolean> {
    const { db, chainId, source, askedBlocks, log } = this.context
    if (!(await this.isCanonical())) return this.handleReorg(tip)
    // Another indexer, in whose place this one writes, may have asked since.
    const isAsked = (await new AskedBlocks(await recordedFacts(db)).replaced(source, -1)).length === 0
    // A final block that is another one now is a wrong answer, unless that lasts.
    if (!isAsked && askedBlocks.firstOf(replaced) <= this.position.finalBlock && !this.deepReorgLasts()) return false
    log?.info({ chainId, governors: replaced }, 'The block as of which a Governor was asked was replaced: asking again')
    const { facts, ...asked } = await this.context.askAgain(isAsked ? [] : replaced).catch((cause: unknown) => {
      // On this fork it may not be deployed yet, or not set up.
      throw cause instanceof IndexerError ? new InconsistentChain(cause.message, { cause }) : cause
    })
    const first = Math.min(askedBlocks.firstOf(replaced), asked.askedBlocks.firstOf(replaced))
    if (!isAsked && this.position.block >= first) {
      const [ancestor] = await source.headers([first - 1])
      if (!ancestor) throw new InconsistentChain(`The node lost block ${first - 1}`)
      await this.rollBack(ancestor, tip.head.number)
    }
    if (!isAsked) await storeFacts(db, chainId, facts, true) // last: a start in between finds that the blocks were replaced
    this.deepReorg = undefined
    Object.assign(this.context, asked)
    this.rows.forget()
    await this.restore()
    return true
  }

  /** The next blocks above the final ones; undefined when our last block is no longer on the chain. */
  private async nextLinked(tip: Tip): Promise<BlockRange | undefined> {
    const { source } = this.context
    const { block, hash } = this.position
    const far = tip.head.number - block > MAX_LINKED_BLOCKS
    const to = far ? (await source.headers([block + MAX_LINKED_BLOCKS]))[0] : tip.head
    if (!to) throw new InconsistentChain(`The node lost block ${block + MAX_LINKED_BLOCKS}`)
    try {
      return await source.linkedRange({ number: block, hash }, to)
    } catch (error) {
      if (error instanceof InconsistentChain && !(await this.isCanonical())) return undefined
      throw error
    }
  }

  /** Whether our last block is still on the chain. */
  private async isCanonical(): Promise<boolean> {
    const [now] = await this.context.source.headers([this.position.block])
    if (!now)
      throw new InconsistentChain(`The node lost block ${this.position.block}: another of its copies may lag behind`)
    return now.hash === this.position.hash
  }

  /** Runs `work`, which applies ranges, and waits until all are stored: each is prepared while the one before is stored. */
  private async pipelined(work: () => Promise<void>) {
    try {
      await work()
      await this.storing
    } catch (error) {
      await this.storing.catch(() => {}) // the pending batch may still have been stored
      this.storing = Promise.resolve()
      this.rows.forget()
      this.pending = this.position
      if (error instanceof CursorMoved) await this.reload()
      else await this.restore().catch(() => {}) // otherwise the next round does it
      throw error
    }
  }

  /** Prepares a range's rows, and starts to store them once the batch before is stored. */
  private async apply(range: BlockRange, tip: Tip) {
    const last = lastBlock(range)
    const before = this.pending
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
    const { batch, events } = await this.prepared(range)
    await this.storing
    this.pending = after
    this.storing = this.store(before, after, range, batch, events)
    this.unexplained.add(range.unexplained ?? [])
    this.storing.catch(() => {}) // awaited by the next batch, or at the end
  }

  /** The changes of a range, and the number of its events. A contract with an event that cannot be indexed is set aside, and the range is
   *  prepared again. */
  private async prepared(range: BlockRange): Promise<{ batch: BatchChanges; events: number }> {
    const { db, followed, governances, setAside } = this.context
    const logs = setAside.logsOf(range.logs)
    const events = eventSteps({ ...range, logs }, followed, governances, this.rows)
    const steps = [...childSteps(range, this.rows), ...setAside.among(events, range, this.rows)]
    try {
      // Reading outside the transaction is safe: changes of the pending batch are in memory, and no other process writes; if another
      // indexer does, it moves the cursor, and our transaction fails.
      await this.rows.run(db, steps)
    } catch (error) {
      if (!(error instanceof UnfitEvent) || !setAside.add(error)) throw error
      this.tellSetAside(error)
      await this.storing
      this.rows.forget()
      return this.prepared(range)
    }
    await writeStateRoots(db, this.rows, this.context, range.headers)
    return { batch: this.rows.take(), events: events.length }
  }

  private tellSetAside({ address, contract, block, message: reason }: UnfitEvent) {
    const { chainId, counters, setAside, log } = this.context
    counters.setAside = setAside.size
    log?.warn(
      { chainId, address, contract, block, reason },
      'A contract is set aside: nothing of it is indexed any more',
    )
  }

  /** The children and the contracts set aside that the database holds. */
  private async restore() {
    const { db, children, setAside, counters } = this.context
    await children.restore(db)
    await setAside.restore(db)
    counters.setAside = setAside.size
  }

  private async store(before: Position, after: Position, range: BlockRange, batch: BatchChanges, events: number) {
    const { db, counters } = this.context
    const { owner } = this
    const began = performance.now()
    await db.transaction((sql) => advance(sql, owner, before, after, range.headers, () => writeBatch(sql, batch)))
    this.position = after
    this.deepReorg = undefined
    counters.batches++
    counters.blocks += range.to - range.from + 1
    counters.events += events
    counters.commitMs += performance.now() - began
  }

  /** Updates the final block and the head when there is no new block. */
  private async advanceFinality(tip: Tip): Promise<boolean> {
    const { owner } = this
    const { db } = this.context
    const finalBlock = Math.max(this.position.finalBlock, Math.min(tip.final, this.position.block))
    if (finalBlock === this.position.finalBlock) return false
    const after = { ...this.position, finalBlock, headBlock: tip.head.number }
    await this.commit(() => db.transaction((sql) => advance(sql, owner, this.position, after, [], async () => {})))
    this.position = this.pending = after
    return true
  }

  /** Asks for the logs of the blocks that become final once more, and rolls back to before the first of which others are stored.
   *  @returns whether there was one. */
  private async correct(tip: Tip): Promise<boolean> {
    const { log, chainId } = this.context
    const { finalBlock, block } = this.position
    const wrong = await firstDiffering(this.context, finalBlock, Math.min(tip.final, block))
    if (wrong === undefined) return false
    log?.warn({ chainId, block: wrong }, 'A node tells other logs of a final block than when it was new')
    await this.readAgain(wrong, tip.head.number)
    return true
  }

  /** Asks again about the blocks near the head that came without the logs for which their bloom allows, and rolls back to before the first of which
   *  there are logs now. @returns whether there was one. */
  private async explain(): Promise<boolean> {
    const { source, setAside, log, chainId } = this.context
    const { block, finalBlock, headBlock } = this.position
    this.unexplained.keepBetween(finalBlock, block)
    const asked = this.unexplained.due()
    if (!asked.length) return false
    const told = await source.explained(asked).catch((error: unknown) => {
      if (error instanceof InconsistentChain) return undefined // it may have been replaced: the next round finds that
      throw error
    })
    if (!told) return false
    const withLogs = new Set(setAside.logsOf(told.logs).map((one) => one.block))
    const isLate = ({ number }: BlockId) => withLogs.has(number) // stays, until its logs are stored
    this.unexplained.settle(
      asked.filter((one) => !isLate(one)),
      told.unexplained,
    )
    const [late] = asked.filter(isLate).sort((one, other) => one.number - other.number)
    if (!late) return false
    const [now] = await source.headers([late.number])
    if (now?.hash !== late.hash) return false
    log?.info(
      { chainId, block: late.number },
      'A node tells logs of a block that it did not have when the block was new',
    )
    await this.readAgain(late.number, headBlock)
    return true
  }

  /** Rolls back to before a block that is on the chain, and reads by hash what was read since. */
  private async readAgain(block: number, headBlock: number) {
    const { source, counters } = this.context
    const [ancestor] = await source.headers([block - 1])
    if (!ancestor) throw new InconsistentChain(`The node lost block ${block - 1}, though it has later ones`)
    this.byHashUntil = this.position.block
    await this.rollBack(ancestor, headBlock)
    counters.correctedBlocks++
  }

  /** The node's chain is shorter than ours: the node lags, or the chain was reset. */
  private async handleShorterChain(tip: Tip): Promise<boolean> {
    this.shorterSince ??= performance.now()
    if (performance.now() - this.shorterSince < this.context.patienceMs) return false
    this.shorterSince = undefined
    return this.handleReorg(tip)
  }

  /** Whether the node has shown a chain without a block that was final for long enough. A copy of the node that lags, or is on an
   *  abandoned fork, is far more likely than a real reorganisation of final blocks. */
  private deepReorgLasts(): boolean {
    this.deepReorg ??= { since: performance.now(), rounds: 0 }
    this.deepReorg.rounds++
    const { deepReorgPatienceMs = DEEP_REORG_PATIENCE_MS } = this.context
    const { since, rounds } = this.deepReorg
    return rounds >= DEEP_REORG_ROUNDS && performance.now() - since >= deepReorgPatienceMs
  }

  /** Finds the newest stored block that is still on the chain, and rolls back everything after it. */
  private async handleReorg(tip: Tip): Promise<boolean> {
    const { chainId, counters, log } = this.context
    const before = this.position
    const began = this.deepReorg?.since ?? performance.now()
    const ancestor = await commonAncestor(this.context, Math.min(before.block, tip.head.number))
    if (ancestor.hash === before.hash) return false // the node shows our chain again
    const deep = ancestor.number < before.finalBlock
    if (deep && !this.deepReorgLasts()) return false
    this.deepReorg = undefined
    if (deep && this.context.deepReorganisation === 'stop')
      throw new IndexerError(
        `The chain at RPC_URL no longer has block ${before.finalBlock}, which was final here: the last common block is ${ancestor.number}. If that is the right chain, rewind the index to it (modelcommons index --rewind); payments made since may need correction. Otherwise correct RPC_URL.`,
      )
    await this.rollBack(ancestor, tip.head.number)
    const depth = before.block - ancestor.number
    const durationMs = performance.now() - began
    counters.reorganisations++
    counters.retractedBlocks += depth
    counters.reorganisationMs += durationMs
    const details = { chainId, from: before.block, to: ancestor.number, depth, durationMs: Math.round(durationMs) }
    log?.[deep ? 'warn' : 'info'](details, 'Reorganisation: rolled back to the last common block')
    return true
  }

  /** Removes all rows of blocks after `ancestor`. */
  private async rollBack(ancestor: BlockId, headBlock: number) {
    const { db, source } = this.context
    const before = this.position
    const after: Position = {
      block: ancestor.number,
      hash: ancestor.hash,
      finalBlock: Math.min(before.finalBlock, ancestor.number),
      headBlock,
    }
    source.forget(ancestor.number)
    await this.commit(() => db.transaction((sql) => retract(sql, this.owner, before, after)))
    this.rows.forget()
    await this.restore()
    this.position = this.pending = after
    this.unexplained.keepBetween(after.finalBlock, after.block)
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
