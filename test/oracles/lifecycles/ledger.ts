import type { Database } from '#schema/database.ts'
import type { LedgerSources } from '#workers/ledger/chainFacts.ts'
import { ledgerDifferences } from '#workers/ledger/identity.ts'
import { postLedger } from '#workers/ledger/postLedger.ts'

/** Posts the ledger up to the last final block. @returns where it is not what the chain says, as of each final block since `from` in
 *  which something moved, here or on the chain, and now in each channel and account. */
export async function ledgerFaults(sources: LedgerSources, from: number): Promise<string[]> {
  const { db } = sources
  await postLedger(sources)
  const found: string[] = []
  const { rows } = await db.query(
    `select distinct block from (select block from ledger_transfer union select from_block from payment_channel
       union select from_block from reward_map union select from_block from reward_claim union select final_block from cursor) moved
     where block >= $1 and block <= (select max(final_block) from cursor) order by block`,
    [from],
  )
  for (const { block } of rows)
    for (const { term, ledger, chain } of await ledgerDifferences(db, block))
      found.push(`ledger as of block ${block}: ${term} is ${ledger}, and ${chain} on the chain`)
  return [...found, ...(await channelFaults(db)), ...(await callFaults(db)), ...(await balanceFaults(db))]
}

/** Each channel's credit is free, reserved or charged. */
async function channelFaults(db: Database): Promise<string[]> {
  const { rows } = await db.query(
    `select c.id, c.balance, coalesce(sum(b.balance), 0) as posted
     from payment_channel c left join ledger_balance b on b.id in ('credit:' || c.id, 'charged:' || c.id)
       or b.id in (select 'hold:' || h.id from credit_hold h where h.channel_id = c.id)
     where c.to_block is null group by c.id, c.balance having c.balance <> coalesce(sum(b.balance), 0)`,
  )
  return rows.map(({ id, balance, posted }) => `ledger: channel ${id} has ${balance}, and ${posted} is posted`)
}

/** No channel is charged more than its calls have cost beyond what was redeemed, and no call holds more than its maximum, or anything after its end. */
async function callFaults(db: Database): Promise<string[]> {
  const { rows } = await db.query(
    `select b.id, b.balance, greatest(coalesce((select max(cumulative) from receipt where channel_id = c.id), 0) - c.redeemed, 0) as limit
     from payment_channel c join ledger_balance b on b.id = 'charged:' || c.id where c.to_block is null
     union all
     select b.id, b.balance, case when h.is_settled then 0 else h.maximum end from credit_hold h join ledger_balance b on b.id = 'hold:' || h.id`,
  )
  const above = rows.filter(({ balance, limit }) => balance > limit)
  return above.map(({ id, balance, limit }) => `ledger: ${id} has ${balance}, and at most ${limit} is owed`)
}

/** The balances that the database keeps are the sums of the transfers, and no account but `deposits` is below 0. */
async function balanceFaults(db: Database): Promise<string[]> {
  const { rows } = await db.query(
    `select b.id, b.balance, coalesce(t.sum, 0) as sum from ledger_balance b full join (
       select account as id, sum(amount) from (select credit as account, amount from ledger_transfer union all select debit, -amount from ledger_transfer) m
       group by account) t on t.id = b.id
     where b.balance is distinct from t.sum or b.balance < 0 and b.id <> 'deposits'`,
  )
  return rows.map(({ id, balance, sum }) => `ledger: ${id} has ${balance}, and its transfers sum to ${sum}`)
}
