import { createHash } from 'node:crypto'
import { normalForm } from '#rules/shingles.ts'
import { lockGold } from '#schema/advisoryLocks.ts'
import type { Database } from '#schema/database.ts'
import { GoldItem, GoldKey } from '#schema/offchain/gold.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import { row, rowsOf, saveRows } from '#schema/rows.ts'

/** Items of gold pools are used once (amendment 5b), whatever runs at the same time or fails: a comparison takes items before it asks the versions, and its
 *  secret is stored, which spends them, before anybody sees a task. */

/** What tells items apart: their prompts, as the comparison of samples sees them. */
export const goldItemId = (prompt: string): string => createHash('sha256').update(normalForm(prompt)).digest('hex')

/** A job keeps its items once they are shown, and while it may go on. */
const KEEPS = (job: string) =>
  `(exists (select 1 from gold_key where job_id = ${job}) or exists (select 1 from job_run where id = ${job} and ${IS_LIVE}))`

/** Takes at most `count` of the items that no other comparison has, in the order of `ids`; those that the job took in an earlier attempt come first.
 *  @returns the ids of what it has now, in the order of `ids`. */
export const takeGoldItems = (db: Database, jobId: string, ids: readonly string[], count: number): Promise<string[]> =>
  db.transaction(async (sql) => {
    await lockGold(sql)
    const { rows } = await sql.query<{ id: string; place: string }>(
      `select given.id, place from unnest($2::text[]) with ordinality given (id, place) left join gold_item taken on taken.id = given.id
       where taken.job_id is null or taken.job_id = $1 or not ${KEEPS('taken.job_id')}
       order by taken.job_id is not distinct from $1 desc, place limit $3`,
      [jobId, ids, count],
    )
    await sql.query(
      `insert into gold_item (id, job_id) select unnest($2::text[]), $1 on conflict (id) do update set job_id = excluded.job_id`,
      [jobId, rows.map(({ id }) => id)],
    )
    return rows.sort((a, b) => Number(a.place) - Number(b.place)).map(({ id }) => id)
  })

/** The ids of items that everybody knows to be spent: the rounds in which they were gold have opened it. */
export async function openedGoldItems(db: Database): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    `select gold_item.id from gold_item join gold_key using (job_id) join feedback_round round on round.gold_commitment = gold_key.id
     where round.to_block is null and round.gold_secret is not null`,
  )
  return new Set(rows.map(({ id }) => id))
}

/** The secret of a comparison whose tasks may have been shown. */
export async function shownGoldKey(db: Database, jobId: string): Promise<string | undefined> {
  const [shown] = await rowsOf(db, GoldKey, 'job_id = $1', [jobId])
  return shown?.key
}

/** Stores the secret of a comparison, from which moment on `items` are spent; what else the job took is free again.
 *  @returns the secret that counts: another attempt may have stored one before.
 *  @throws Error when another comparison has taken an item, because this job had ended. */
export const showGold = (
  db: Database,
  { jobId, items, key, commitment }: { jobId: string; items: readonly string[]; key: string; commitment: string },
): Promise<string> =>
  db.transaction(async (sql) => {
    await lockGold(sql)
    const [shown] = await rowsOf(sql, GoldKey, 'job_id = $1', [jobId])
    if (shown) return shown.key
    await sql.query('delete from gold_item where job_id = $1 and id <> all($2)', [jobId, items])
    const kept = await rowsOf(sql, GoldItem, 'job_id = $1', [jobId])
    if (kept.length !== items.length)
      throw new Error('Another comparison has taken gold items of this job, because it had ended.')
    await saveRows(sql, [row(GoldKey, { id: commitment, key, jobId })])
    return key
  })
