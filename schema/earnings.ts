import type { Sql } from './database.ts'
import { runningTotals } from './totals.ts'

/** Adds the lines of an epoch's reward map to what accounts earned; lines that replace others replace their sums, too, also in later epochs. A map
 *  follows all before it, and is cancelled with all after it, so the sums up to the newest published epoch are those of all published maps. */
export async function addEarnings(sql: Sql, epoch: number): Promise<void> {
  const { rows } = await sql.query('select max(from_epoch) as newest from earning')
  const epochs: string[] = []
  for (let one = epoch; one <= Math.max(epoch, rows[0].newest ?? 0); one++) epochs.push(String(one))
  await sql.query('delete from earning where from_epoch >= $1', [epoch])
  await sql.query('update earning set to_epoch = null where to_epoch >= $1', [epoch])
  const lines = `select account as key, map_id::integer as at, sum(amount) as earned from reward_line where map_id = any($1) group by 1, 2`
  const totals = { table: 'earning', key: 'account', from: 'from_epoch', to: 'to_epoch', columns: ['earned'] }
  await sql.query(runningTotals({ ...totals, also: { id: `s.key || '-' || s.at` } }, lines), [epochs])
}
