import type { EvmBatchProcessor } from '@subsquid/evm-processor'
import type { Database, Sql } from '#schema/database.ts'
import type { BlockRange } from '../chain/blockRange.ts'
import type { ResolvedDeployment } from '../deployment.ts'
import { IndexerError } from '../errors.ts'
import { eventSteps } from '../handlers/steps.ts'
import type { BlockHeader } from '../rpc/answers.ts'
import { advance, type Position, readCursor, retract } from '../store/cursor.ts'
import { Rows } from '../store/rows.ts'
import { writeStateRoots } from '../store/stateRoots.ts'

/** Our tables as the database of `@subsquid/evm-processor`: it writes with the same cursor, handlers and versioned rows as our own
 *  source, so that either can continue where the other stopped. */

interface BlockRef {
  height: number
  hash: string
}

/** What a batch handler writes with. */
export interface RangeStore {
  write(range: BlockRange): Promise<void>
}

type Processor = EvmBatchProcessor<Record<string, never>>
type SquidDatabase = Extract<Parameters<Processor['run']>[0], { supportsHotBlocks: true }>

export class VersionedDatabase implements SquidDatabase {
  readonly supportsHotBlocks = true
  private readonly rows = new Rows()
  private position: Position | undefined

  constructor(
    private readonly db: Database,
    private readonly deployment: ResolvedDeployment,
    /** The token of the indexer's lease, if one runs this. */
    private readonly token?: number,
  ) {}

  private get owner() {
    return { chainId: this.deployment.chainId, token: this.token }
  }

  /** @returns the last final block, and the blocks above it that may still change. */
  async connect() {
    const { chainId, contracts } = this.deployment
    const position = await readCursor(this.db, chainId, contracts)
    if (!position) throw new IndexerError('The index has no cursor yet: start the indexer before the processor.')
    this.position = position
    const { rows } = await this.db.query<BlockRef>(
      `select number as height, hash from block where number >=
         (select coalesce(max(number) filter (where number <= $1), min(number)) from block) order by number`,
      [position.finalBlock],
    )
    const [final, ...above] = rows
    if (!final) throw new IndexerError('The index has a cursor but no block: use another DATABASE_URL.')
    const linked = above.every(({ height }, index) => height === final.height + 1 + index)
    return { ...final, top: linked ? above : [] }
  }

  async transact(
    { prevHead, nextHead }: { prevHead: BlockRef; nextHead: BlockRef },
    work: (store: RangeStore) => Promise<void>,
  ) {
    await this.step(prevHead, nextHead, nextHead.height, work)
  }

  async transactHot(info: HotInfo, work: (store: RangeStore, block: BlockRef) => Promise<void>) {
    await this.transactHot2(info, async (store, start, end) => {
      for (const block of info.newBlocks.slice(start, end)) await work(store, block)
    })
  }

  async transactHot2(info: HotInfo, work: (store: RangeStore, start: number, end: number) => Promise<void>) {
    const { baseHead, newBlocks, finalizedHead } = info
    await this.step(baseHead, newBlocks.at(-1) ?? baseHead, finalizedHead.height, (store) =>
      newBlocks.length ? work(store, 0, newBlocks.length) : Promise.resolve(),
    )
  }

  /** Moves from `base` to `head` in one transaction, after a rollback of the blocks above `base`. */
  private async step(base: BlockRef, head: BlockRef, final: number, work: (store: RangeStore) => Promise<void>) {
    const before = this.position
    if (!before) throw new Error('The processor wrote before it was connected')
    try {
      this.position = await this.db.transaction(async (sql) => {
        const from = base.height < before.block ? await this.retract(sql, before, base) : before
        const headBlock = Math.max(before.headBlock, head.height)
        const finalBlock = Math.max(from.finalBlock, Math.min(final, head.height))
        const after = { block: head.height, hash: head.hash, finalBlock, headBlock }
        const headers: BlockHeader[] = []
        await advance(sql, this.owner, from, after, headers, async () => {
          await work({ write: (range) => this.write(sql, range, headers) })
          await writeStateRoots(sql, this.rows, this.deployment, headers)
          await this.rows.flush(sql)
        })
        return after
      })
    } catch (error) {
      this.rows.forget()
      throw error
    }
  }

  private async retract(sql: Sql, before: Position, base: BlockRef): Promise<Position> {
    if (base.height < before.finalBlock)
      throw new IndexerError(
        `Block ${before.finalBlock} was final here, but the processor would roll back to block ${base.height}.`,
      )
    this.rows.forget()
    const after = { ...before, block: base.height, hash: base.hash }
    await retract(sql, this.owner, before, after)
    return after
  }

  private async write(sql: Sql, range: BlockRange, headers: BlockHeader[]) {
    headers.push(...range.headers)
    await this.rows.run(sql, eventSteps(range, this.deployment.followed, this.deployment.governances, this.rows))
  }
}

interface HotInfo {
  finalizedHead: BlockRef
  baseHead: BlockRef
  newBlocks: BlockRef[]
}
