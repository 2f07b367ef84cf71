import type { Database } from '#schema/database.ts'
import { enqueue } from '#schema/enqueue.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import type { Queues } from '#schema/queue.ts'

/** Starts the resolution of open disputes without a person, since a map does not become final while one about it is open. A dispute about a judgement is for a
 *  vote, and so is one that its job has left to a vote. */

export interface DisputeResolution {
  db: Database
  queues: Pick<Queues, 'add'>
}

/** Time after a job that failed, before the same dispute is tried again. */
const PAUSE_AFTER_FAILURE = '10 minutes'

/** Starts a job for every dispute about a reward map that has none, and for the oldest other one while none is at work: whoever opens many disputes keeps
 *  no map waiting. The key names the dispute's job before, so that several workers start one. */
export async function resolveOpenDisputes({ db, queues }: DisputeResolution): Promise<void> {
  const { rows } = await db.query<{ id: string; last: string | null }>(
    `with due as (
       select d.id, last.id as last, d.subject = 'RewardMap' as is_map from dispute d
       left join lateral (
         select id, finished_at, error, ${IS_LIVE} as is_live from job_run
         where kind = 'resolveDispute' and input->>'disputeId' = d.id order by created_at desc, id limit 1) last on true
       where d.to_block is null and d.outcome = 'Open' and d.subject <> 'Judgement' and (last.id is null or not last.is_live
         and last.finished_at < clock_timestamp() - interval '${PAUSE_AFTER_FAILURE}' and last.error->>'code' is distinct from 'NEEDS_VOTE'))
     select id, last from due where is_map
     union all
     (select id, last from due where not is_map and not exists (
        select 1 from job_run where kind = 'resolveDispute' and status in ('Queued', 'Running')) order by id::numeric limit 1)`,
  )
  for (const { id, last } of rows) {
    const key = `policy dispute ${id} after ${last ?? 'none'}`
    await enqueue({ db, queues }, 'resolveDispute', { disputeId: id }, { key, requestedBy: null })
  }
}
