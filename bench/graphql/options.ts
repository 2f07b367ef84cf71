import type { ApiOptions } from '#graphql/index.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { GENERATED_CHAIN_ID } from './data.ts'

/** The services that the API needs for queries of the generated rows: no queues and no artifacts. */
export const bareOptions = (db: Database): Omit<ApiOptions, 'host' | 'port'> => ({
  db,
  queues: { add: async () => {} },
  artifacts: undefined as unknown as ArtifactStore, // no query here touches one
  deployment: { chainId: GENERATED_CHAIN_ID, addresses: {} },
  auth: 'open',
  log: { error: (details, message) => console.error(message, details) },
})
