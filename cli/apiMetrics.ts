import type { Registry } from 'prom-client'
import type { Config } from '#config'
import type { Sql } from '#schema/database.ts'
import { openProcessMetrics } from './processMetrics.ts'
import { addSystemMetrics } from './systemMetrics.ts'

/** The API's metrics for Prometheus: its process, and the state of the whole system. GraphQL's own are added by the API. */
export function openApiMetrics(db: Sql, config: Pick<Config, 'home'>): Registry {
  const registry = openProcessMetrics(config)
  addSystemMetrics(registry, db)
  return registry
}
