import { type AccountName, type LedgerIdentity, ledgerIdentity } from '#rules/ledger.ts'
import type { Sql } from '#schema/database.ts'

/** What the chain says of the ledger's accounts: the sums that follow from its events alone. */
export interface ChainSums {
  /** The credit of all channels: free, reserved or charged. */
  channels: bigint
  withdrawn: bigint
  /** Received by the distributor and not claimed. */
  unclaimed: bigint
  claimed: bigint
}

/** A term in which the ledger is not what the chain says. */
export interface LedgerDifference {
  term: string
  ledger: bigint
  chain: bigint
}

/** The block of the newest transfer; undefined for an empty ledger. */
export async function postedUpTo(sql: Sql): Promise<number | undefined> {
  const { rows } = await sql.query<{ block: number | null }>('select max(block) as block from ledger_transfer')
  return rows[0]?.block ?? undefined
}

/** The totals of the ledger's accounts as of a block, from its transfers. */
export async function identityAt(sql: Sql, block: number): Promise<LedgerIdentity> {
  const { rows } = await sql.query<{ account: AccountName; balance: bigint }>(
    `select split_part(account, ':', 1) as account, sum(amount) as balance from (
       select credit as account, amount from ledger_transfer where block <= $1
       union all select debit, -amount from ledger_transfer where block <= $1) moved group by 1`,
    [block],
  )
  return ledgerIdentity(rows.map(({ account, balance }) => [account, balance] as const))
}

/** The sums of the chain as of a block: of everything that is indexed up to it. */
export async function chainSumsAt(sql: Sql, block: number): Promise<ChainSums> {
  const { rows } = await sql.query(
    `select
       (select coalesce(sum(balance), 0) from payment_channel where from_block <= $1 and (to_block is null or to_block > $1)) as channels,
       (select coalesce(sum(withdrawn), 0) from payment_channel where from_block <= $1 and (to_block is null or to_block > $1)) as withdrawn,
       (select coalesce(sum(funded), 0) from reward_map where from_block <= $1 and (to_block is null or to_block > $1)) - claimed as unclaimed, claimed
     from (select coalesce(sum(amount), 0) as claimed from reward_claim where from_block <= $1 and to_block is null) claims`,
    [block],
  )
  return rows[0]
}

/** Where the ledger, posted up to a final block, is not what the chain says: nowhere. Its identity is a term, too. */
export async function ledgerDifferences(sql: Sql, block: number): Promise<LedgerDifference[]> {
  const [ledger, chain] = [await identityAt(sql, block), await chainSumsAt(sql, block)]
  return [
    { term: 'deposits minus all other accounts', ledger: ledger.difference, chain: 0n },
    { term: 'credit + hold + charged', ledger: ledger.credit + ledger.hold + ledger.charged, chain: chain.channels },
    { term: 'withdrawn', ledger: ledger.withdrawn, chain: chain.withdrawn },
    { term: 'escrow + payable', ledger: ledger.escrow + ledger.payable, chain: chain.unclaimed },
    { term: 'paid + treasury', ledger: ledger.paid + ledger.treasury, chain: chain.claimed },
  ].filter((one) => one.ledger !== one.chain)
}
