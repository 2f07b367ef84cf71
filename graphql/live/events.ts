import { Arg, Ctx, Field, Int, ObjectType, Resolver, Root, Subscription } from 'type-graphql'
import type { Sql } from '#schema/database.ts'
import { ChainEvent } from '#schema/onchain/chain.ts'
import { type ApiContext, renewReader } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { currentHead } from '../query/asOf.ts'
import { type LoadedRow, ROW_AS_OF, ROW_TABLE } from '../query/page.ts'
import { listColumns } from '../query/statement.ts'
import { SubscriptionStream } from './stream.ts'

@ObjectType({
  description: 'Blocks that a reorganisation removed from the chain, with all their events.',
  simpleResolvers: true,
})
export class Retraction {
  @Field(() => Int, {
    description:
      'The first removed block: discard every event from this block on. The events of the new blocks follow.',
  })
  fromBlock!: number
  @Field(() => Int, { description: 'The last removed block.' }) toBlock!: number
}

@ObjectType({
  description: 'One item of the stream: an event, or blocks that a reorganisation removed.',
  simpleResolvers: true,
})
export class ChainNews {
  @Field(() => String, { description: 'The position in the stream: pass it as `after` to continue from here.' })
  cursor!: string
  @Field(() => ChainEvent, { nullable: true, description: 'The event; null when blocks were removed.' })
  event!: ChainEvent | null
  @Field(() => Retraction, { nullable: true, description: 'The removed blocks; null for an event.' })
  retracted!: Retraction | null
}

@Resolver()
export class EventSubscription {
  @Subscription(() => ChainNews, {
    description:
      'Every event of the followed contracts in chain order, and the blocks that reorganisations removed. It continues after the cursor `after`; without it, it starts now.',
    subscribe: ({ args, context }) => eventStream(context as ApiContext, args.after as string | undefined),
  })
  events(
    @Arg('after', () => String, { nullable: true, description: 'The cursor of the last item received.' }) _after:
      | string
      | undefined,
    @Root() news: ChainNews,
    @Ctx() context: ApiContext,
  ): ChainNews {
    renewReader(context)
    return news
  }
}

/** A subscriber's position: it has received all events up to the event `id` of `block`, or up to the end of `block` when `id` is null.
 *  `final` was the last final block at that time: later blocks can still be removed. */
interface Position {
  block: number
  hash: string | null
  id: string | null
  final: number
}

interface BlockRange {
  from: number
  to: number
}

const BATCH = 200

async function eventStream(
  { db, deployment, feed, liveReads }: ApiContext,
  after: string | null | undefined,
): Promise<AsyncIterable<ChainNews>> {
  let position = after === undefined || after === null ? await headPosition(db, deployment.chainId) : decode(after)
  const retractions: BlockRange[] = []
  const stream: SubscriptionStream<ChainNews> = new SubscriptionStream(
    async () => {
      const [start, retracted] = [position, retractions.splice(0)]
      const key = `events ${JSON.stringify([start, retracted])}`
      const { items, end, more } = await liveReads.read(key, () =>
        db.transaction((sql) => readNews(sql, deployment.chainId, start, retracted), 'repeatable read'),
      )
      position = end
      return { items, more }
    },
    () => off(),
  )
  const off = feed.on((notification) => {
    if (notification.type === 'retracted') retractions.push(notification)
    if (notification.type === 'retracted' || notification.type === 'blocks') stream.wake()
  })
  return stream
}

async function headPosition(db: Sql, chainId: number): Promise<Position> {
  const head = await currentHead(db, chainId)
  return { block: head?.block ?? -1, hash: head?.hash ?? null, id: null, final: head?.finalBlock ?? -1 }
}

/** What a subscriber at `start` has not received, with its position then. */
async function readNews(
  sql: Sql,
  chainId: number,
  start: Position,
  retracted: readonly BlockRange[],
): Promise<{ items: ChainNews[]; end: Position; more: boolean }> {
  const items: ChainNews[] = []
  let end = start
  const retract = (from: number, to: number, hash: string | null) => {
    end = { block: from - 1, hash, id: null, final: Math.min(end.final, from - 1) }
    items.push({ cursor: encode(end), event: null, retracted: { fromBlock: from, toBlock: to } })
  }
  for (const { from, to } of retracted)
    if (from <= end.block) retract(from, Math.max(to, end.block), await hashOf(sql, from - 1))
  if (await isRemoved(sql, end)) retract(end.final + 1, end.block, await hashOf(sql, end.final))
  const events = await readEvents(sql, chainId, end)
  for (const { event, hash, final } of events) {
    end = { block: event.fromBlock as number, hash, id: event.id, final }
    items.push({ cursor: encode(end), event: event as unknown as ChainEvent, retracted: null })
  }
  return { items, end, more: events.length === BATCH }
}

const hashOf = async (sql: Sql, block: number): Promise<string | null> =>
  (await sql.query('select hash from block where number = $1', [block])).rows[0]?.hash ?? null

/** Whether the block at the subscriber's position is no longer part of the chain. This finds a reorganisation whose notification was lost. */
async function isRemoved(sql: Sql, { block, hash, final }: Position): Promise<boolean> {
  if (hash === null || block <= final) return false
  return (await hashOf(sql, block)) !== hash
}

async function readEvents(
  sql: Sql,
  chainId: number,
  { block, id }: Position,
): Promise<{ event: LoadedRow; hash: string; final: number }[]> {
  const table = tableFor(ChainEvent)
  const { rows } = await sql.query(
    `select ${listColumns('e', table.columns)}, b.hash as "$hash", b.timestamp as "$time", coalesce(c.final_block, -1) as "$final"
     from chain_event e left join block b on b.number = e.from_block left join cursor c on c.id = $4
     where e.to_block is null and e.from_block >= $1 and (e.from_block > $1 or (e.from_block = $1 and $2::text is not null and e.id > $2))
     order by e.from_block, e.id limit $3`,
    [block, id, BATCH, String(chainId)],
  )
  return rows.map((event) => {
    event[ROW_TABLE] = table
    event[ROW_AS_OF] = { block: event.fromBlock, hash: event.$hash, time: event.$time }
    return { event, hash: event.$hash, final: event.$final }
  })
}

const encode = ({ block, hash, id, final }: Position) =>
  Buffer.from(JSON.stringify(['events', block, hash, id, final])).toString('base64url')

function decode(cursor: string): Position {
  const invalid = () =>
    new ApiError('BAD_CURSOR', 'The cursor cannot be read. Pass one that this subscription sent, unchanged.')
  if (!/^[\w-]{1,1000}$/.test(cursor)) throw invalid()
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw invalid()
  }
  if (!Array.isArray(parts) || parts.length !== 5 || parts[0] !== 'events') throw invalid()
  const [, block, hash, id, final] = parts
  const isText = (value: unknown) => value === null || (typeof value === 'string' && !value.includes('\0'))
  if (!Number.isSafeInteger(block) || !Number.isSafeInteger(final) || !isText(hash) || !isText(id)) throw invalid()
  return { block, hash, id, final }
}
