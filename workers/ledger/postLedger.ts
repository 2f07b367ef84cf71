import { tryTransactionLock } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import { ChainEvent, Cursor } from '#schema/onchain/chain.ts'
import { columns, rowOf } from '#schema/rows.ts'
import { type CallStep, callSteps, settleCalls, unsettledCalls } from './callSteps.ts'
import { ChainFacts, LEDGER_EVENTS, type LedgerSources } from './chainFacts.ts'
import { StoredLedger } from './storedLedger.ts'

/** Posts the double-entry ledger (rule 9) from final events, so that a reorganisation never changes it, and from the calls that were accepted by the time
 *  of the last final block. Any worker may call it at any time: an advisory lock lets one at a time post, each fact once, in the order of time. */

/** One transaction posts at most this many events. */
const EVENTS_AT_ONCE = 5_000

/** Returns the number of transfers that were added. */
export async function postLedger(sources: LedgerSources): Promise<number> {
  for (let added = 0; ; ) {
    const { transfers, more } = await sources.db.transaction((sql) => postNext(sql, sources))
    added += transfers
    if (!more) return added
  }
}

async function postNext(sql: Sql, sources: LedgerSources): Promise<{ transfers: number; more: boolean }> {
  const nothing = { transfers: 0, more: false }
  if (!(await tryTransactionLock(sql, 'ledger'))) return nothing
  const cursor = await rowOf(sql, Cursor, String(sources.deployment.chainId))
  if (!cursor) return nothing
  const position = await postedPosition(sql)
  const events = await eventsAfter(sql, position.event, cursor.finalBlock)
  const more = events.length === EVENTS_AT_ONCE
  const until = more ? events.at(-1)?.timestamp : await timeOf(sql, cursor.finalBlock)
  if (!until) return nothing
  const calls = await unsettledCalls(sql, until)
  const ledger = new StoredLedger(sql)
  const chain = new ChainFacts(sql, sources, ledger, position.lastMap)
  await ledger.load([
    ...(['escrow', 'payable'] as const),
    ...events.flatMap((event) => chain.accountsOf(event)),
    ...calls.flatMap(({ id, channel }) => [`hold:${id}` as const, `credit:${channel}` as const]),
  ])
  const redeemed = await redeemedBy(
    sql,
    position.block,
    calls.map(({ channel }) => channel),
  )
  const called = calls.map((call) =>
    callSteps(call, until, (channel) => chain.redeemed.get(channel) ?? redeemed.get(channel) ?? 0n),
  )
  let { block } = position
  for (const step of inOrder(
    events,
    called.flatMap(({ steps }) => steps),
  ))
    if (step instanceof ChainEvent) {
      block = step.fromBlock
      for await (const fact of chain.of(step)) ledger.post(fact, { event: step.id, block, at: step.timestamp })
    } else for (const fact of step.facts(ledger)) ledger.post(fact, { event: null, block, at: step.at })
  await settleCalls(
    sql,
    calls.filter((_, i) => called[i]?.ended),
    until,
  )
  return { transfers: await ledger.store(), more }
}

/** Up to where the ledger is posted. */
async function postedPosition(sql: Sql): Promise<{ event: string; block: number; lastMap: number }> {
  const { rows } = await sql.query(
    `select event, block, coalesce((select map_id::integer from reward_claim where to_block is null and id <= event order by id desc limit 1), 0) as "lastMap"
     from (select coalesce(max(event), '') as event, coalesce(max(block), 0) as block from ledger_transfer) posted`,
  )
  return rows[0]
}

/** The next events that move money. */
async function eventsAfter(sql: Sql, id: string, finalBlock: number): Promise<ChainEvent[]> {
  const { rows } = await sql.query(
    `select ${columns(ChainEvent)} from chain_event where name = any($1) and from_block <= $2 and id > $3 and to_block is null order by id limit ${EVENTS_AT_ONCE}`,
    [LEDGER_EVENTS, finalBlock, id],
  )
  return rows.map((row) => Object.assign(new ChainEvent(), row))
}

/** The time of a block, or of the last one before it whose header is stored. */
async function timeOf(sql: Sql, block: number): Promise<Date | undefined> {
  const { rows } = await sql.query('select timestamp from block where number <= $1 order by number desc limit 1', [
    block,
  ])
  return rows[0]?.timestamp
}

/** What was redeemed of each channel up to a block. */
async function redeemedBy(sql: Sql, block: number, channels: readonly string[]): Promise<Map<string, bigint>> {
  const { rows } = await sql.query<{ id: string; redeemed: bigint }>(
    'select id, redeemed from payment_channel where id = any($1) and from_block <= $2 and (to_block is null or to_block > $2)',
    [channels, block],
  )
  return new Map(rows.map(({ id, redeemed }) => [id, redeemed]))
}

/** Events and what calls did, in the order of time; an event before what happened in the same millisecond. */
const inOrder = (events: readonly ChainEvent[], calls: readonly CallStep[]): (ChainEvent | CallStep)[] =>
  [...events.map((step) => ({ step, at: step.timestamp })), ...calls.map((step) => ({ step, at: step.at }))]
    .sort((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ step }) => step)
