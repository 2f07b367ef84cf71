import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import type { Queues } from '#schema/queue.ts'
import type { Caller } from './access.ts'
import { viewerOf } from './confidential.ts'
import type { ErrorLog } from './errors.ts'
import type { ChainHead } from './indexHealth.ts'
import type { AccessWatch } from './live/accessWatch.ts'
import type { NotificationFeed } from './live/feed.ts'
import type { LiveReads } from './live/liveReads.ts'
import { Reader } from './query/reader.ts'
import type { VerifySignature } from './signature.ts'

/** The chain and the contracts that this API serves. */
export interface ApiDeployment {
  chainId: number
  /** Contract addresses by name. */
  addresses: Record<string, string>
  /** The entries of a page of its reward maps, where a test plays with smaller pages. */
  pageEntries?: number
  /** The hosts whose endpoints this API answers for, in lower case; by default none. */
  hosts?: readonly string[]
  /** Durations in seconds, amounts in wei. An API of other Governors has none. */
  settings?: Record<string, number | bigint>
  /** A node of the chain that anybody may use. */
  nodeUrl?: string
}

/** What is relayed at most, in 24 hours. Gas in units. */
export interface RelayLimits {
  /** For each account, and for each key. */
  actsPerDay: number
  gasPerAct: number
  /** For each account, and for each key. */
  gasPerDay: number
  /** For all accounts together. */
  totalGasPerDay: number
}

/** The dependencies of all resolvers, opened once by the caller of `startApi`. */
export interface Services {
  db: Database
  queues: Pick<Queues, 'add'>
  artifacts: ArtifactStore
  /** The artifacts that this installation stores itself. Only these are served by names that a client chooses: otherwise strangers could let
   *  it ask its mirrors for anything, and two installations that mirror each other would ask each other for ever. Default: `artifacts`. */
  ownArtifacts?: ArtifactStore
  deployment: ApiDeployment
  auth: 'open' | 'keys'
  /** Where there is a node, also of contract wallets. */
  verifySignature: VerifySignature
  log: ErrorLog
  feed: NotificationFeed
  access: AccessWatch
  liveReads: LiveReads
  /** The head of the chain, from a node; without it, what the indexer stored. */
  chainHead?: ChainHead
  /** The API is not ready while the index lags further behind the chain; without it, however far it lags. */
  maxLagBlocks?: number
  /** What a consumer's key may upload in a day (UTC), in bytes; without it, as much as it wants. */
  maxUploadBytes?: number
  /** Acts that were signed are relayed within these limits; without them, none are. */
  relay?: RelayLimits
}

/** The context of one request. */
export interface ApiContext extends Services {
  reader: Reader
  caller: Caller
}

export const contextOf = (services: Services, caller: Caller): ApiContext => ({
  ...services,
  caller,
  reader: new Reader(services.db, services.deployment.chainId, viewerOf(caller)),
})

/** Drops the request's cached reads: a subscription is one request with many answers, and each must be current. */
export function renewReader(context: ApiContext): void {
  context.reader = new Reader(context.db, context.deployment.chainId, viewerOf(context.caller))
}
