import { setTimeout as sleep } from 'node:timers/promises'
import { ARTIFACT_GRACE_SECONDS } from '#rules/dispute.ts'
import type { Sql } from '#schema/database.ts'
import { AttributionPendingError, type JobContext, PendingError } from '../job.ts'
import { OPENED, TRACED } from './epochReceipts.ts'
import { secondsSince } from './secondsSince.ts'

/** How long the job keeps its slot for attributions that run; after that it waits without one. */
const ATTRIBUTION_GRACE_MS = 10_000

/** Waits until every opened answer of the account's endpoints in the epoch is attributed, or its attribution was cancelled or failed by its own fault (the answer then counts as
 *  unattributed). An attribution that failed only because a service was away, or that still runs, keeps the epoch open until it is tried again, or an operator
 *  gives it up; but never for longer than 72 hours after the epoch's last block, so that nobody's answer stops everybody's pay. */
export async function waitUntilAttributed(job: JobContext<'settleEpoch'>, toBlock: number): Promise<void> {
  const since = performance.now()
  for (;;) {
    const { waiting, failed } = await untracedOf(job.db, job.input.epoch, job.chain.account)
    if (waiting === 0) return
    if ((await secondsSince(job.chain, toBlock)) >= ARTIFACT_GRACE_SECONDS) {
      const { epoch } = job.input
      job.log.warn(
        { epoch, waiting, failed },
        'answers are not traced 72 hours after their epoch: it is settled without',
      )
      return
    }
    const stage = `waiting for the attribution of ${waiting} answers`
    job.report(0.5, stage)
    if (failed)
      throw new AttributionPendingError(
        `The attribution ${failed} failed, because a service was away. Try it again (mutation retryJob), or let the epoch close without it (modelcommons untraced give-up). It closes without it 72 hours after its last block.`,
      )
    if (performance.now() - since > ATTRIBUTION_GRACE_MS) throw new PendingError(`${stage}.`)
    await sleep(100, undefined, { signal: job.signal })
  }
}

/** How many opened answers of a host's endpoints are not traced yet in the epoch (those of others go into documents of their own), and the first of their jobs that failed because a service was away. */
export async function untracedOf(
  sql: Sql,
  epoch: number,
  host: string,
): Promise<{ waiting: number; failed: string | null }> {
  const { rows } = await sql.query<{ waiting: number; failed: string | null }>(
    `select count(*) as waiting, min(job.id) filter (where job.status = 'Failed') as failed
     from receipt left join job_run job on job.kind = 'attribute' and job.input->>'receiptId' = receipt.id
     where ${OPENED} and not ${TRACED}
       and receipt.endpoint_id in (select e.id from endpoint e where e.host = $2 and e.to_block is null)`,
    [epoch, host],
  )
  return { waiting: Number(rows[0]?.waiting ?? 0), failed: rows[0]?.failed ?? null }
}
