import type { FactSources } from '#epochs/epochSources.ts'
import { publishedMap } from '#epochs/previousMap.ts'
import { readIfThere } from '#epochs/readArtifacts.ts'
import { type AccountName, claimsOf, type LedgerFact } from '#rules/ledger.ts'
import type { Database, Sql } from '#schema/database.ts'
import type { ChainEvent } from '#schema/onchain/chain.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import type { StoredLedger } from './storedLedger.ts'

/** The events that move money. */
export const LEDGER_EVENTS = ['CreditDeposited', 'CreditWithdrawn', 'Redeemed', 'EpochFunded', 'RewardClaimed']

export interface LedgerSources extends Pick<FactSources, 'artifacts'> {
  db: Database
  deployment: FactSources['deployment'] & { addresses: { InferenceMarket: string } }
}

/** What the events of a chain say, one after the other. */
export class ChainFacts {
  /** By channel, what is redeemed up to the event that was read last. */
  readonly redeemed = new Map<string, bigint>()
  private readonly treasury: string
  private readonly market: string

  /** @param lastMap the last epoch whose map is posted; 0 for none */
  constructor(
    private readonly sql: Sql,
    private readonly sources: Pick<LedgerSources, 'artifacts' | 'deployment'>,
    private readonly ledger: StoredLedger,
    private lastMap: number,
  ) {
    const { Treasury, InferenceMarket } = sources.deployment.addresses
    this.treasury = Treasury.toLowerCase()
    this.market = InferenceMarket.toLowerCase()
  }

  /** The accounts that an event most likely moves. */
  accountsOf({ name, args }: ChainEvent): AccountName[] {
    return name === 'RewardClaimed'
      ? [`payable:${args.account}`]
      : 'channelId' in args
        ? [`credit:${args.channelId}`, `charged:${args.channelId}`]
        : []
  }

  /** What an event posts; what the chain says always finds the amount, whatever was promised of it. */
  async *of({ id, name, args }: ChainEvent): AsyncGenerator<LedgerFact> {
    const text = (key: string) => String(args[key])
    const [amount, channel] = [BigInt(text('amount')), text('channelId')]
    const credit: AccountName = `credit:${channel}`
    const charged: AccountName = `charged:${channel}`
    switch (name) {
      case 'CreditDeposited':
        yield { kind: 'deposit', id, channel, amount }
        return
      case 'CreditWithdrawn': // what is not redeemed in time is the consumer's, although it was reserved or charged
        yield {
          kind: 'withdraw',
          id,
          consumer: text('consumer'),
          amount,
          from: [credit, ...(await this.holds(channel, [credit], amount)), charged],
        }
        return
      case 'Redeemed':
        this.redeemed.set(channel, BigInt(text('total')))
        yield {
          kind: 'redeem',
          id,
          amount,
          from: [charged, credit, ...(await this.holds(channel, [charged, credit], amount))],
        }
        return
      case 'EpochFunded': // the fees that the market forwards are posted by its own events
        if (text('from') !== this.market) yield { kind: 'fund', id, amount }
        return
      case 'RewardClaimed': {
        for (; this.lastMap < Number(text('epoch')); this.lastMap++) yield await this.mapOf(this.lastMap + 1)
        const account = text('account')
        const from = await this.payable(account, amount)
        yield { kind: 'claim', id, amount, from, to: claimsOf(account, this.treasury) }
      }
    }
  }

  /** The holds of a channel's calls, where the other accounts lack some of `amount`; the newest first. */
  private async holds(channel: string, others: readonly AccountName[], amount: bigint): Promise<AccountName[]> {
    if (this.has(others, amount)) return []
    const { rows } = await this.sql.query(
      'select id from credit_hold where channel_id = $1 and not is_settled order by created_at desc, id',
      [channel],
    )
    const holds = rows.map(({ id }): AccountName => `hold:${id}`)
    await this.ledger.load(holds)
    return holds
  }

  /** The accounts from which a claim is paid. Only by a false map that became final does somebody claim more than what readable maps granted. */
  private async payable(account: string, amount: bigint): Promise<AccountName[]> {
    const own: AccountName[] = [`payable:${account}`, 'payable']
    return this.has(own, amount) ? own : [...own, ...(await this.ledger.filled('payable:'))]
  }

  private has(accounts: readonly AccountName[], amount: bigint): boolean {
    return accounts.reduce((sum, account) => sum + this.ledger.balance(account), 0n) >= amount
  }

  /** A final map. One that nobody can read, or whose document is not what is on the chain, stops nothing: it is payable to somebody. */
  private async mapOf(epoch: number): Promise<LedgerFact> {
    const { sql, sources, treasury } = this
    const row = await rowOf(sql, RewardMap, String(epoch))
    if (!row) throw new RangeError(`Epoch ${epoch} is claimed and has no map in the index.`)
    const map = await publishedMap({ sql, ...sources }, epoch, readIfThere(sources.artifacts))
    if (map)
      await this.ledger.load(
        map.leaves.flatMap(({ account }) => [`payable:${account}` as const, claimsOf(account, treasury)]),
      )
    return { kind: 'rewardMap', id: String(epoch), total: row.total, leaves: map?.leaves, treasury }
  }
}
