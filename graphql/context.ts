import type { ArtifactStore } from '#schema/artifacts.ts'
import type { Database } from '#schema/database.ts'
import type { Queues } from '#schema/queue.ts'
import type { Caller } from './access.ts'
import type { ErrorLog } from './errors.ts'
import type { NotificationFeed } from './live/feed.ts'
import { Reader } from './query/reader.ts'

/** Where the contracts stand that this API speaks for. */
export interface ApiDeployment {
  chainId: number
  /** Contract addresses by name. */
  addresses: Record<string, string>
}

/** What resolvers work with, opened once by whoever starts the API. */
export interface Services {
  db: Database
  queues: Pick<Queues, 'add'>
  artifacts: ArtifactStore
  deployment: ApiDeployment
  auth: 'open' | 'keys'
  log: ErrorLog
  feed: NotificationFeed
}

/** What one request works with. */
export interface ApiContext extends Services {
  reader: Reader
  caller: Caller
}

export const contextOf = (services: Services, caller: Caller): ApiContext => ({
  ...services,
  caller,
  reader: new Reader(services.db, services.deployment.chainId),
})

/** Makes what the request reads from now on fresh: a subscription is one request with many answers. */
export function renewReader(context: ApiContext): void {
  context.reader = new Reader(context.db, context.deployment.chainId)
}
