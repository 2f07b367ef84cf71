import type { Sql } from '#schema/database.ts'
import { WAIT_CODES } from './failures.ts'

/** Opened answers whose tracing to contributions failed for reasons of the infrastructure. Their epoch stays open: it would give the pay of their
 *  contributors to others. They are traced again (`retryJob`), or an operator decides that the epoch closes without. The tracing of other answers moves no
 *  money. */

/** The codes of such failures. A missing or damaged artifact is one: this operator's store lacks what others could read. */
export const UNTRACED_CODES: readonly string[] = [
  ...WAIT_CODES,
  'ARTIFACT_MISSING',
  'ARTIFACT_CORRUPT',
  'STALLED',
  'INTERNAL',
]

/** SQL: the rows of `receipt` and of its job `job` to which this applies. */
export const UNTRACED = `receipt join job_run job on job.kind = 'attribute' and job.input->>'receiptId' = receipt.id
  where receipt.is_open and receipt.fee > 0 and job.status = 'Failed' and job.error->>'code' in (${UNTRACED_CODES.map((code) => `'${code}'`).join(', ')})
    and not exists (select 1 from reward_map map where map.epoch = receipt.epoch and map.status = 'Published' and map.to_block is null)
    and not exists (select 1 from job_run done where done.kind = 'attribute' and done.input->>'receiptId' = receipt.id and done.status = 'Succeeded')`

export interface UntracedAnswer {
  receiptId: string
  jobId: string
  answeredAt: Date
  code: string
  message: string
}

const FIELDS = `receipt.id as "receiptId", job.id as "jobId", receipt.answered_at as "answeredAt", job.error->>'code' as code,
  job.error->>'message' as message`

/** The oldest first. */
export async function untracedAnswers(sql: Sql): Promise<UntracedAnswer[]> {
  const { rows } = await sql.query<UntracedAnswer>(`select ${FIELDS} from ${UNTRACED} order by receipt.answered_at`)
  return rows
}

/** Lets epochs close without the tracing of these answers: their contributors' part goes to the others. Returns those to which it applied. */
export async function giveUpTracing(sql: Sql, receiptIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `with untraced as (select receipt.id as receipt, job.id as job from ${UNTRACED} and receipt.id = any($1))
     update job_run set error = jsonb_build_object('code', 'GIVEN_UP', 'message', 'An operator closes the epoch without the tracing of this answer. ' ||
       coalesce(error->>'message', '')) from untraced where job_run.id = untraced.job returning untraced.receipt as id`,
    [receiptIds],
  )
  return rows.map(({ id }) => id)
}
