import type { Sql } from '#schema/database.ts'
import { CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { row, saveRows } from '#schema/rows.ts'
import { GENESIS_MS } from '#test/factory.ts'
import { must } from '#test/must.ts'
import type { RandomMarket } from './market.ts'
import type { LifecycleStage } from './stage.ts'

/** A call that reserved credit. Amounts are decimal strings; times are by a clock that is not the chain's, in milliseconds after its first block. */
export interface LifecycleCall {
  id: string
  channelId: string
  maximum: string
  acceptedAt: number
  /** Without a fee, it failed. `cumulative`: all fees of the channel so far. */
  end?: { at: number; fee?: string; cumulative?: string }
}

const BLOCK_MS = 12_000

/** The calls of a random lifecycle. What is promised to a host is not always redeemed in time. */
export class RandomCalls {
  /** Every change of a call, in order. */
  readonly changes: LifecycleCall[] = []
  private running: LifecycleCall[] = []
  private failed: LifecycleCall[] = []
  private used = new Map<string, bigint>()
  private count = 0

  constructor(
    private readonly stage: LifecycleStage,
    private readonly market: RandomMarket,
  ) {}

  /** A call is accepted; now and then, one that has failed is tried again. */
  accept() {
    const { chance } = this.stage
    const channels = [...this.market.channels.values()].filter(({ balance }) => balance > 0n)
    if (channels.length === 0) return
    const again = chance.happens(20) ? this.failed.pop() : undefined
    const { ids, balance } = chance.of(channels)
    const maximum = String(1n + chance.upTo(balance - 1n))
    const { id, channelId } = again ?? { id: `call ${++this.count}`, channelId: ids.channelId }
    this.put(this.running, { id, channelId, maximum, acceptedAt: this.now() })
  }

  end() {
    const { chance } = this.stage
    const call = this.running.splice(chance.below(this.running.length + 1), 1)[0]
    if (!call) return
    const at = Math.max(this.now(), call.acceptedAt + 1)
    if (chance.happens(25)) {
      this.put(this.failed, { ...call, end: { at } })
      return
    }
    const { channelId, maximum } = call
    const fee = chance.upTo(BigInt(maximum))
    const { redeemed } = must(this.market.channels.get(channelId))
    const before = this.used.get(channelId) ?? 0n
    const cumulative = (before > redeemed ? before : redeemed) + fee
    this.used.set(channelId, cumulative)
    this.changes.push({ ...call, end: { at, fee: String(fee), cumulative: String(cumulative) } })
  }

  private put(list: LifecycleCall[], call: LifecycleCall) {
    list.push(call)
    this.changes.push(call)
  }

  /** By a clock that goes up to two blocks before or after the chain's. */
  private now(): number {
    return Math.max(0, this.stage.block * BLOCK_MS + this.stage.chance.below(4 * BLOCK_MS) - 2 * BLOCK_MS)
  }
}

/** Stores what the API and the workers store of these changes. */
export async function storeCalls(sql: Sql, changes: readonly LifecycleCall[]): Promise<void> {
  const newest = new Map(changes.map((call) => [call.id, call]))
  for (const { id, channelId, maximum, acceptedAt, end } of newest.values()) {
    const fee = end ? BigInt(end.fee ?? 0) : null
    const common = { id, endpointId: '1', consumer: '0x', channelId, priceIn: 1n, priceOut: 1n }
    const hold = { ...common, maximum: BigInt(maximum), fee, open: !end, createdAt: new Date(GENESIS_MS + acceptedAt) }
    const rows = [row(CreditHold, { ...hold, isSettled: false })]
    await saveRows(sql, rows)
    if (end?.fee === undefined) continue
    const answer = { jobId: id, versionId: '1', isOpen: false, prompt: '', answer: '', tokensIn: 0, tokensOut: 0 }
    const paid = { fee: BigInt(end.fee), cumulative: BigInt(end.cumulative ?? 0), epoch: null }
    const signed = { hash: '0x', signature: '0x', answeredAt: new Date(GENESIS_MS + end.at) }
    await saveRows(sql, [row(Receipt, { ...common, ...answer, ...paid, ...signed })])
  }
}
