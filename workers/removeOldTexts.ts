import type { Logger } from 'pino'
import { tryTransactionLock } from '#schema/advisoryLocks.ts'
import { type Database, databaseTime } from '#schema/database.ts'
import type { AnswerJournal } from '#schema/journal/answers.ts'
import { JournalledText } from '#schema/offchain/attribution.ts'
import { type MapTerms, removeOldTexts, type TextsPlace } from '#schema/removeTexts.ts'
import { rowsOf } from '#schema/rows.ts'

/** Prompts and answers are removed when they are as old as the operator has set, and from the journal when they were removed from the database. */

interface TextRemoval {
  db: Database
  journal: Pick<AnswerJournal, 'removeTexts'>
  log: Pick<Logger, 'info' | 'error'>
  terms: MapTerms
  /** 0: they stay for ever, unless their consumer deletes them. */
  days: number
}

/** Time between two passes over all texts, and from the end of one to the next. */
const PASS_MS = 3_600_000
/** Time between two removals from the journal. */
const JOURNAL_MS = 300_000

/** Returns what removes a batch of old texts, of the database and then of the journal, whenever it is called. */
export function createTextRemoval({ db, journal, log, terms, days }: TextRemoval): () => Promise<void> {
  let from: TextsPlace | undefined
  let nextPass = 0
  let nextJournal = 0
  return async () => {
    if (days > 0 && performance.now() >= nextPass) {
      const { removed, next } = (await isRetained(db, days))
        ? await db.transaction((sql) => removeOldTexts(sql, { days, terms, from }))
        : { removed: 0, next: undefined }
      if (removed > 0) log.info({ calls: removed, days }, 'old prompts and answers were removed')
      from = next
      if (!next) nextPass = performance.now() + PASS_MS
    }
    if (performance.now() < nextJournal) return
    nextJournal = performance.now() + JOURNAL_MS
    while ((await clearJournal({ db, journal, log })) > 0);
  }
}

/** Whether texts are removed for so many days already: what was there before the first time is not older than that. */
async function isRetained(db: Database, days: number): Promise<boolean> {
  await db.query(`insert into text_retention (id, since) values ('1', clock_timestamp()) on conflict (id) do nothing`)
  const { rows } = await db.query<{ due: boolean }>(
    `select since < clock_timestamp() - $1 * interval '1 day' as due from text_retention`,
    [days],
  )
  return rows[0]?.due ?? false
}

/** Calls of about the same time whose journal is read together. */
const JOURNAL_BATCH = 1_000
const HOUR_MS = 3_600_000
/** Answers that ended together share an object of the journal, whose key has the time of the first; a store that does not answer keeps them waiting, also that of an attempt which was lost. */
const MARGIN_MS = 600_000

/** Removes from the journal the texts that were removed from the database: those of the calls that were requested within an hour. What a part of the journal may
 *  have that cannot be read is tried again after an hour.
 *  @returns how many calls it looked at; 0 while another worker does */
export async function clearJournal({ db, journal, log }: Pick<TextRemoval, 'db' | 'journal' | 'log'>): Promise<number> {
  return db.transaction(async (sql) => {
    if (!(await tryTransactionLock(sql, 'texts'))) return 0
    const oldest = await rowsOf(
      sql,
      JournalledText,
      `id in (select id from journalled_text where ended_at < clock_timestamp() - interval '${MARGIN_MS} milliseconds'
         and (tried_at is null or tried_at < clock_timestamp() - interval '1 hour') order by requested_at limit $1)`,
      [JOURNAL_BATCH],
      { orderBy: 'requested_at' },
    )
    const [first] = oldest
    if (!first) return 0
    const calls = oldest.filter(({ requestedAt }) => requestedAt.getTime() < first.requestedAt.getTime() + HOUR_MS)
    const left = await journal.removeTexts(
      calls.map(({ id, requestedAt, endedAt }) => ({
        id,
        from: new Date(requestedAt.getTime() - MARGIN_MS),
        until: new Date(endedAt.getTime() + MARGIN_MS),
      })),
      await databaseTime(sql),
      (err) => log.error({ err }, 'a part of the journal cannot be read, so that texts in it cannot be removed'),
      () => sql.query('select 1'), // whose session has ended, holds the lock no more
    )
    await sql.query('update journalled_text set tried_at = clock_timestamp() where id = any($1)', [left])
    await sql.query('delete from journalled_text where id = any($1) and id <> all($2)', [
      calls.map(({ id }) => id),
      left,
    ])
    return calls.length
  })
}
