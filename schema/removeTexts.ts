import type { Sql } from './database.ts'
import { IS_LIVE } from './offchain/jobs.ts'

/** What is kept of prompts and answers, and how it is removed: the texts of a call are in its receipt, in its job's input and result, in the spans of its
 *  attribution, and in the journal of answers. Its tokens, fee, hash, salt and signature stay: they are the evidence of the payment. */

/** Members of a call's input that are texts of its consumer. */
const INPUT_TEXTS = ['prompt', 'chat', 'embed', 'stop', 'responseSchema']
/** Members of its result that are, or tell, the answer. */
const RESULT_TEXTS = ['answer', 'tokens', 'stopped']

const without = (value: Record<string, unknown>, members: readonly string[]) =>
  Object.fromEntries(Object.entries(value).filter(([member]) => !members.includes(member)))

/** A call's input and result without texts. */
export const inputWithoutTexts = (input: Record<string, unknown>) => without(input, INPUT_TEXTS)
export const resultWithoutTexts = (result: Record<string, unknown>) => without(result, RESULT_TEXTS)

const names = (members: readonly string[]) => `array[${members.map((member) => `'${member}'`).join(', ')}]`

/** SQL: a call's input without texts. */
export const withoutInputTexts = (input: string) => `(${input} - ${names(INPUT_TEXTS)})`

/** Of the deployment, in seconds: how long a published reward map can be disputed, and again after a dispute about it failed. */
export interface MapTerms {
  challengeWindow: number
  reopenTime: number
}

/** Of a deployment whose settings are not known: maps can be disputed for longer than anybody waits. */
const UNKNOWN_TERM = 3_000_000_000

/** The terms that the settings of a deployment have. */
export const mapTermsOf = (settings: Record<string, number | bigint> = {}): MapTerms => ({
  challengeWindow: Number(settings.challengeWindow ?? UNKNOWN_TERM),
  reopenTime: Number(settings.reopenTime ?? UNKNOWN_TERM),
})

/** SQL: the receipts whose texts are evidence. What stands behind an opened answer moves rewards; until the map of its epoch can be neither disputed nor
 *  cancelled, it may have to be shown again. $2 and $3 are the terms. */
const NEEDED = `(receipt.is_open and receipt.fee > 0 and not exists (
  select 1 from reward_map map where map.epoch = receipt.epoch and map.status = 'Published' and map.to_block is null
    and map.published_at < clock_timestamp() - $2 * interval '1 second' and not exists (
      select 1 from dispute where dispute.to_block is null and case when subject = 'RewardMap' then subject_id::int <= map.epoch end
        and (outcome = 'Open' or outcome in ('Rejected', 'Lapsed') and resolved_at > clock_timestamp() - $3 * interval '1 second'))))`

/** Removes the texts of calls that have ended, in the transaction of `sql`. Those that are needed stay, and those of calls under way.
 *  @returns the ids of the calls whose texts were removed now */
export async function removeTexts(sql: Sql, ids: readonly string[], terms: MapTerms): Promise<string[]> {
  await sql.query('select 1 from receipt where id = any($1) order by id for update', [ids])
  const { rows: receipts } = await sql.query<{ id: string }>(
    `update receipt set prompt = '', answer = '', texts_removed_at = clock_timestamp()
     where id = any($1) and texts_removed_at is null and not ${NEEDED} returning id`,
    [ids, terms.challengeWindow, terms.reopenTime],
  )
  await removeSpans(
    sql,
    receipts.map(({ id }) => id),
  )
  await sql.query('select 1 from job_run where id = any($1) order by id for update', [ids])
  const { rows: jobs } = await sql.query<{ id: string }>(
    `update job_run set input = ${withoutInputTexts('input')}, result = result - ${names(RESULT_TEXTS)}, texts_removed_at = clock_timestamp()
     where id = any($1) and kind = 'infer' and texts_removed_at is null and not ${IS_LIVE}
       and not exists (select 1 from receipt where receipt.id = job_run.id and receipt.texts_removed_at is null)
     returning id`,
    [ids],
  )
  const removed = [...new Set([...receipts, ...jobs].map(({ id }) => id))]
  await removeFromJournal(sql, removed)
  return removed
}

/** Removes the texts of those of the jobs that are cancelled calls, in the transaction that cancels them: nobody has paid for keeping them, and whoever asks and cancels
 *  in a loop would fill the database. */
export async function removeCancelledTexts(sql: Sql, ids: readonly string[]): Promise<void> {
  const { rows } = await sql.query<{ id: string; attempt: number }>(
    `update job_run set input = ${withoutInputTexts('input')}, texts_removed_at = clock_timestamp()
     where id = any($1) and kind = 'infer' and status = 'Cancelled' and texts_removed_at is null returning id, attempt`,
    [ids],
  )
  const begun = rows.filter(({ attempt }) => attempt > 0).map(({ id }) => id)
  if (begun.length > 0) await removeFromJournal(sql, begun) // an attempt that was lost may have answered
}

/** Notes that the texts of calls, which have ended, have to leave the journal. A call that was answered at its first attempt has nothing there of before. */
export const removeFromJournal = (sql: Sql, ids: readonly string[]) =>
  sql.query(
    `insert into journalled_text (id, requested_at, ended_at)
     select call.id,
       coalesce(case when j.attempt = 1 and r.id is not null then r.answered_at else least(h.created_at, j.created_at, r.answered_at) end, clock_timestamp()),
       coalesce(greatest(r.answered_at, j.finished_at, h.created_at), clock_timestamp())
     from unnest($1::text[]) call (id) left join receipt r on r.id = call.id left join credit_hold h on h.id = call.id left join job_run j on j.id = call.id
     where coalesce(r.id, h.id, j.id) is not null
     on conflict (id) do nothing`,
    [ids],
  )

/** Removes what the attribution of answers tells of them: the spans that they share with samples. */
export const removeSpans = (sql: Sql, receiptIds: readonly string[]) =>
  sql.query(
    `update answer_attribution set spans = (select coalesce(jsonb_agg(jsonb_set(span, '{text}', '""')), '[]') from jsonb_array_elements(spans) span)
     where receipt_id = any($1) and spans <> '[]'`,
    [receiptIds],
  )

/** How many calls one removal looks at. */
const BATCH = 1_000

/** Where the next batch begins, in receipts and in jobs without one; undefined at the end of both. */
export interface TextsPlace {
  receipts?: string
  jobs?: string
}

const OLD = {
  receipts: { table: 'receipt', at: 'answered_at', where: `texts_removed_at is null` },
  jobs: {
    table: 'job_run',
    at: 'finished_at',
    where: `kind = 'infer' and texts_removed_at is null and finished_at is not null and not exists (select 1 from receipt where receipt.id = job_run.id)`,
  },
}

/** Removes the texts of calls that ended more than `days` ago: of a batch that begins after `from`. Those that are needed are looked at again in the next pass. */
export async function removeOldTexts(
  sql: Sql,
  {
    days,
    terms,
    from = { receipts: '-infinity', jobs: '-infinity' },
  }: { days: number; terms: MapTerms; from?: TextsPlace },
): Promise<{ removed: number; next: TextsPlace | undefined }> {
  const batch = async ({ table, at, where }: (typeof OLD)['jobs'], after: string | undefined) => {
    if (after === undefined) return { removed: 0, next: undefined }
    const { rows } = await sql.query<{ id: string; until: string }>(
      `select id, ${at}::text as until from ${table} where ${where} and ${at} > $1::timestamptz and ${at} < clock_timestamp() - $2 * interval '1 day'
       order by ${at} limit ${BATCH}`,
      [after, days],
    )
    const removed = await removeTexts(
      sql,
      rows.map(({ id }) => id),
      terms,
    )
    return { removed: removed.length, next: rows.length === BATCH ? rows.at(-1)?.until : undefined }
  }
  const receipts = await batch(OLD.receipts, from.receipts)
  const jobs = await batch(OLD.jobs, from.jobs)
  const next = { receipts: receipts.next, jobs: jobs.next }
  return { removed: receipts.removed + jobs.removed, next: next.receipts || next.jobs ? next : undefined }
}
