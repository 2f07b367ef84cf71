import { Gauge, type Registry } from 'prom-client'
import { type IndexHealth, type IndexHealthSources, measureIndex } from '#graphql/indexHealth.ts'
import { METRIC_PREFIX } from './systemMetrics.ts'

/** How the index stands, measured at each scrape by a process other than the indexer. */

export const INDEX_HEALTH_METRICS: readonly { name: string; help: string; read(health: IndexHealth): number | null }[] =
  [
    {
      name: 'index_head_block',
      help: 'The newest block of the chain, from a node.',
      read: ({ headBlock }) => headBlock,
    },
    { name: 'index_lag_blocks', help: 'Blocks between the head of the chain and the index.', read: ({ lag }) => lag },
  ]

export function addIndexHealth(registry: Registry, sources: IndexHealthSources): void {
  const chain = String(sources.chainId)
  for (const { name, help, read } of INDEX_HEALTH_METRICS)
    new Gauge({
      name: METRIC_PREFIX + name,
      help,
      labelNames: ['chain'],
      registers: [registry],
      async collect() {
        this.reset()
        const health = await measureIndex(sources).catch(() => undefined) // /ready tells that the database is away
        const value = health ? read(health) : null
        if (value !== null) this.set({ chain }, value)
      },
    })
}
