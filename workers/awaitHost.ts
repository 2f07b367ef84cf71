import type { Sql } from '#schema/database.ts'
import type { Endpoint } from '#schema/onchain/market.ts'
import { JobError, PendingError } from './job.ts'

/** For how long a call waits for a worker of its host: whoever asked waits, too. */
const CALL_PATIENCE_SECONDS = 300

/** Where an installation has workers of several hosts, what the host of an endpoint must sign waits for a worker with its key.
 *  @throws PendingError unless these workers sign as the host */
export function awaitHost({ id, host }: Pick<Endpoint, 'id' | 'host'>, account: string): void {
  if (host.toLowerCase() !== account.toLowerCase())
    throw new PendingError(`It waits for a worker that signs as ${host}, the host of endpoint ${id}.`)
}

/** As `awaitHost`, for a call, which somebody waits for. @throws JobError when no worker of the host has taken it for minutes */
export async function awaitHostOfCall(
  sql: Sql,
  id: string,
  endpoint: Pick<Endpoint, 'id' | 'host'>,
  account: string,
): Promise<void> {
  if (endpoint.host.toLowerCase() === account.toLowerCase()) return
  const { rowCount } = await sql.query(
    `select from job_run where id = $1 and created_at < clock_timestamp() - $2 * interval '1 second'`,
    [id, CALL_PATIENCE_SECONDS],
  )
  if (rowCount)
    throw new JobError(
      'NO_WORKER',
      `No worker that signs as ${endpoint.host}, the host of endpoint ${endpoint.id}, has taken the call. Nothing was charged. Its operator must start one; ask another endpoint of the model meanwhile.`,
    )
  awaitHost(endpoint, account)
}
