import type { Logger } from 'pino'
import type { Database } from '#schema/database.ts'
import { enqueue } from '#schema/enqueue.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import type { Queues } from '#schema/queue.ts'
import type { ChainClient } from './chain.ts'

/** Starts the resolution of open disputes without a person, since a map does not become final while one about it is open. A dispute about a judgement is for a
 *  vote, and so is one that its job has left to a vote: they are ended when their term is over. */

export interface DisputeResolution {
  db: Database
  queues: Pick<Queues, 'add'>
  chain: Pick<ChainClient, 'read'>
  log: Pick<Logger, 'info'>
}

/** After the end of a job, the same dispute is tried again only after this time. */
const RETRY_AFTER = '10 minutes'

/** The jobs about each dispute, by the partial indexes of `job_run`: the table may have many millions. */
const JOBS = [IS_LIVE, `status = 'Succeeded'`, `status in ('Failed', 'Cancelled')`]
  .map(
    (ended) =>
      `select input->>'disputeId' as dispute, id, created_at, finished_at, error->>'code' as code from job_run where ${ended} and kind = 'resolveDispute'`,
  )
  .join(' union all ')

/** Starts a job for every dispute about a reward map that has none, and for one other while none is at work (one that waits for its appeal is not): whoever opens many disputes keeps no map waiting, nor the
 *  others' disputes, since that of the challenger with the fewest older ones comes first. Only what is final counts: another fork may give an id to another dispute.
 *  The key names the dispute's job before, so that several workers start one. */
export async function resolveOpenDisputes({ db, queues, chain, log }: DisputeResolution): Promise<void> {
  const open = await db.query(`select from dispute where outcome = 'Open' and to_block is null limit 1`)
  if (open.rowCount === 0) return
  const term = await chain.read('Disputes', 'term', [])
  const { rows } = await db.query<{ id: string; last: string | null }>(
    `with jobs as (select distinct on (dispute) * from (${JOBS}) found order by dispute, created_at desc, id),
     opened as (
       select d.id, d.subject, d.from_block, last.id as last, last.finished_at, d.subject = 'RewardMap' as is_map,
         row_number() over (partition by d.challenger order by d.id::numeric) as place,
         d.subject = 'Judgement' or coalesce(last.code = 'NEEDS_VOTE' and d.subject <> 'RewardMap', false) as is_for_vote,
         d.opened_at < clock_timestamp() - $1 * interval '1 second' as is_over
       from dispute d left join jobs last on last.dispute = d.id where d.to_block is null and d.outcome = 'Open'),
     due as (
       select o.* from opened o, cursor c where o.from_block <= c.final_block and (is_over or not is_for_vote)
         and (last is null or finished_at < clock_timestamp() - interval '${RETRY_AFTER}'))
     select id, last from due where is_map
     union all
     (select id, last from due where not is_map and not exists (
        select from job_run where kind = 'resolveDispute' and status in ('Queued', 'Running')) order by place, id::numeric limit 1)`,
    [String(term)],
  )
  for (const { id, last } of rows) {
    const key = `policy dispute ${id} after ${last ?? 'none'}`
    const job = await enqueue({ db, queues }, 'resolveDispute', { disputeId: id }, { key, requestedBy: null })
    log.info({ disputeId: id, job: job.id, after: last }, 'started on an open dispute')
  }
}
