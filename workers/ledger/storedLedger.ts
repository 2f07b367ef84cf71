import { type AccountName, Ledger, type LedgerFact, type Transfer } from '#rules/ledger.ts'
import type { Sql } from '#schema/database.ts'

/** What a transfer is recorded with. */
export interface Cause {
  /** None for what a call moves. */
  event: string | null
  block: number
  at: Date
}

/** Transfers that one statement stores: a map may grant more than a text has room for. */
const MAX_TRANSFERS = 10_000

/** The ledger in the database, inside one transaction: balances are read when they are needed, and new transfers stored together. */
export class StoredLedger {
  private readonly balances = new Map<AccountName, bigint>()
  private readonly known = new Set<AccountName>()
  private readonly ledger = new Ledger(this.balances)
  private readonly added: (Transfer & Cause & { reason: string })[] = []

  constructor(private readonly sql: Sql) {}

  /** Reads the balances of accounts; each must be known before something is taken from it. */
  async load(accounts: Iterable<AccountName>): Promise<void> {
    const missing = [...new Set(accounts)].filter((account) => !this.known.has(account))
    if (missing.length === 0) return
    const { rows } = await this.sql.query<{ id: AccountName; balance: bigint }>(
      'select id, balance from ledger_balance where id = any($1)',
      [missing],
    )
    for (const account of missing) this.known.add(account)
    for (const { id, balance } of rows) this.balances.set(id, this.balance(id) + balance) // what came in before it was known stays
  }

  balance(account: AccountName): bigint {
    return this.ledger.balance(account)
  }

  /** The accounts with a name that begins with `prefix` and something in them, by name. They are known then. */
  async filled(prefix: `${string}:`): Promise<AccountName[]> {
    const { rows } = await this.sql.query<{ id: AccountName }>(
      'select id from ledger_balance where starts_with(id, $1) and balance > 0',
      [prefix],
    )
    await this.load(rows.map(({ id }) => id))
    return [...this.balances.keys()].filter((name) => name.startsWith(prefix) && this.balance(name) > 0n).sort()
  }

  /** @throws RangeError when an account would be overdrawn. */
  post(fact: LedgerFact, cause: Cause): void {
    for (const transfer of this.ledger.post(fact)) this.added.push({ ...transfer, ...cause, reason: fact.kind })
  }

  /** Stores what was posted. @returns the number of transfers. */
  async store(): Promise<number> {
    for (let at = 0; at < this.added.length; at += MAX_TRANSFERS) {
      const rows = this.added.slice(at, at + MAX_TRANSFERS).map(({ from, to, amount, ...rest }) => ({
        ...rest,
        debit: from,
        credit: to,
        amount: String(amount),
      }))
      await this.sql.query(
        `insert into ledger_transfer (id, debit, credit, amount, event, block, reason, at)
         select id, debit, credit, amount, event, block, reason, at from json_populate_recordset(null::ledger_transfer, $1)`,
        [JSON.stringify(rows)],
      )
    }
    return this.added.length
  }
}
