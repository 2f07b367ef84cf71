import type { Logger } from 'pino'
import { lockCredit } from '#schema/advisoryLocks.ts'
import { type Database, databaseTime, type Sql } from '#schema/database.ts'
import { embeddingOf } from '#schema/embeddingRequest.ts'
import { insertJob } from '#schema/enqueue.ts'
import type { AnswerEntry, AnswerJournal } from '#schema/journal/answers.ts'
import type { SealError } from '#schema/journal/seal.ts'
import { notify } from '#schema/notifications.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { row, saveRows } from '#schema/rows.ts'

/** Brings back the answers that the journal has and the database has not, because an older copy of it was restored (amendment 7b): the job has
 *  succeeded, its fee is posted, its receipt is there. So nobody is answered or charged twice for one idempotency key, and the fees of these answers
 *  can be settled. Doing it again changes nothing. A worker that runs such a job meanwhile loses it: its answer is one of the journal, too. */

interface ReplaySources {
  db: Database
  journal: Pick<AnswerJournal, 'between'>
}

/** An answer is in the journal for at most this time before it is in the database. */
const MARGIN_MS = 3_600_000

interface ReplayOptions {
  /** Answers that a live worker stores at this moment are left to it. */
  whileServing?: boolean
  /** Is told of a part of the journal that cannot be read, which is passed over; otherwise it ends the replay. */
  onUnreadable?(error: SealError): void
}

/** Replays all answers from an hour before `since`. Returns how many the database did not have. */
export async function replayAnswers(
  { db, journal }: ReplaySources,
  since: Date,
  { whileServing = false, onUnreadable }: ReplayOptions = {},
): Promise<number> {
  const found = new Map<string, AnswerEntry>()
  let added = 0
  for await (const part of journal.between(before(since), after(await databaseTime(db)), onUnreadable)) {
    const known = await knownOf(db, part, whileServing)
    for (const answer of part) {
      const { id } = answer.job
      if (!known.has(id) && isNewer(answer, found.get(id))) found.set(id, answer)
    }
  }
  for (const answer of [...found.values()].sort(byTime)) if (await replay(db, answer)) added++
  return added
}

/** For the start of a worker, and whenever its database is back, whichever tool or failover brought an older copy: replays what that lacks. Newer answers
 *  may be there already, so all of the last hour are compared. */
export async function replayMissingAnswers(sources: ReplaySources, log: Logger): Promise<void> {
  const { db } = sources
  const { rows } = await db.query<{ newest: Date | null }>('select max(answered_at) as newest from receipt')
  // An empty database is a new one: nothing was restored.
  const since = rows[0]?.newest ?? (await oldestJob(db)) ?? (await databaseTime(db))
  const unreadable: SealError[] = []
  const onUnreadable = (error: SealError) => void unreadable.push(error)
  const added = await replayAnswers(sources, since, { whileServing: true, onUnreadable })
  if (added) log.warn({ answers: added }, 'the database is older than the journal: answers that it lacked are back')
  if (unreadable.length > 0)
    log.error(
      { err: unreadable[0], parts: unreadable.length },
      'the journal of answers cannot be read: after a restore, its answers would not come back',
    )
}

const before = (time: Date) => new Date(time.getTime() - MARGIN_MS)
/** The clock of the database that wrote the journal may have been ahead. */
const after = (time: Date) => new Date(time.getTime() + MARGIN_MS)

/** Of a job that several attempts answered, the last attempt's answer is the one that left. Of one answer, the entry without its texts is the newer one. */
const isNewer = (answer: AnswerEntry, other: AnswerEntry | undefined): boolean =>
  !other ||
  answer.job.attempt > other.job.attempt ||
  (answer.job.attempt === other.job.attempt &&
    (byTime(other, answer) || Number(!!other.textsRemovedAt) - Number(!!answer.textsRemovedAt)) < 0)

const byTime = (a: AnswerEntry, b: AnswerEntry) => a.receipt.answeredAt.getTime() - b.receipt.answeredAt.getTime()

/** Those that the database has. `whileServing`: and those whose job runs in a live worker, which beats for it every two seconds. */
async function knownOf(sql: Sql, answers: readonly AnswerEntry[], whileServing: boolean): Promise<Set<string>> {
  const { rows } = await sql.query<{ id: string }>(
    `select id from receipt where id = any($1)
     union all select id from job_run where id = any($1) and $2 and status = 'Running' and heartbeat_at > clock_timestamp() - interval '15 seconds'`,
    [answers.map(({ job }) => job.id), whileServing],
  )
  return new Set(rows.map(({ id }) => id))
}

async function oldestJob(sql: Sql): Promise<Date | undefined> {
  const { rows } = await sql.query<{ at: Date | null }>('select min(created_at) as at from job_run')
  return rows[0]?.at ?? undefined
}

const replay = (db: Database, { job, result, receipt, maximum, voucher, ...of }: AnswerEntry): Promise<boolean> =>
  db.transaction(async (sql) => {
    const { channelId, consumer, cumulative, endpointId, fee, priceIn, priceOut, answeredAt } = receipt
    const textsRemovedAt = of.textsRemovedAt ?? null
    await lockCredit(sql, consumer)
    const ended = await sql.query(
      `insert into job_run (id, kind, input, status, attempt, attempts, queue, priority, progress, result, idempotency_key, requested_by,
         cancel_requested, created_at, finished_at, texts_removed_at)
       values ($1, 'infer', $2, 'Succeeded', $3, $3, 'infer', 0, 1, $4, $5, $6, false, $7, $8, $9)
       on conflict (id) do update set status = 'Succeeded', attempt = job_run.attempt + 1, progress = 1, result = excluded.result, error = null,
         worker_id = null, retry_at = null, checkpoint = null, finished_at = excluded.finished_at,
         input = case when excluded.texts_removed_at is null then job_run.input else excluded.input end, texts_removed_at = excluded.texts_removed_at
       where job_run.status <> 'Succeeded' and (job_run.finished_at is null or job_run.finished_at < excluded.finished_at)`,
      [
        job.id,
        JSON.stringify(job.input),
        job.attempt,
        JSON.stringify(result),
        job.idempotencyKey,
        job.requestedBy,
        job.createdAt,
        answeredAt,
        textsRemovedAt,
      ],
    )
    if (!ended.rowCount) return false
    await sql.query(
      `insert into credit_hold (id, consumer, endpoint_id, channel_id, maximum, price_in, price_out, fee, open, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, false, $9)
       on conflict (id) do update set channel_id = excluded.channel_id, maximum = excluded.maximum, price_in = excluded.price_in,
         price_out = excluded.price_out, fee = excluded.fee, open = false, is_settled = false`,
      [job.id, consumer, endpointId, channelId, maximum, priceIn, priceOut, fee, job.createdAt],
    )
    if (voucher)
      await sql.query(
        `insert into signed_voucher (id, endpoint_id, consumer, ceiling, signature, used, signed_at)
         values ($1, $2, $3, $4, $5, 0, $6)
         on conflict (id) do update set ceiling = excluded.ceiling, signature = excluded.signature, signed_at = excluded.signed_at
         where signed_voucher.ceiling < excluded.ceiling`,
        [channelId, endpointId, consumer, voucher.ceiling, voucher.signature, voucher.signedAt],
      )
    await sql.query('update signed_voucher set used = greatest(used, $2) where id = $1', [channelId, cumulative])
    await saveRows(sql, [row(Receipt, { id: job.id, jobId: job.id, epoch: null, ...receipt, textsRemovedAt })])
    if (!textsRemovedAt && !embeddingOf(receipt.prompt)) {
      const key = `${job.id}/attribute:${job.id}`
      await insertJob(sql, 'attribute', { receiptId: job.id }, { key, requestedBy: job.requestedBy, parentId: job.id })
    }
    await notify(sql, { type: 'job', id: job.id, status: 'Succeeded', progress: 1 })
    return true
  })
