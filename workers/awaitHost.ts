import type { Endpoint } from '#schema/onchain/market.ts'
import { PendingError } from './job.ts'

/** Where an installation has workers of several hosts, what the host of an endpoint must sign waits for a worker with its key.
 *  @throws PendingError unless these workers sign as the host */
export function awaitHost({ id, host }: Pick<Endpoint, 'id' | 'host'>, account: string): void {
  if (host.toLowerCase() !== account.toLowerCase())
    throw new PendingError(`It waits for a worker that signs as ${host}, the host of endpoint ${id}.`)
}
