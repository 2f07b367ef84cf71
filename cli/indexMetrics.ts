import { createServer } from 'node:http'
import { Counter, collectDefaultMetrics, Registry } from 'prom-client'
import { ConfigError } from '#config'
import type { Counters, IndexerStatus } from '#indexer/index.ts'

/** What an indexer counts of its own work since it started, as Prometheus reads it. What it has stored is shown by the API. */

const COUNTED: Partial<Record<keyof Counters, string>> = {
  failovers: 'Times that another RPC endpoint had to be asked.',
  disagreements: 'Times that RPC endpoints said different things.',
  failures: 'Rounds that failed and were tried again.',
  reorganisations: 'Reorganisations that were followed.',
  requests: 'JSON-RPC requests.',
  events: 'Events that became rows.',
}

export function openIndexMetrics(indexers: () => readonly Pick<IndexerStatus, 'chainId' | 'counters'>[]): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'modelcommons_' })
  for (const [name, help] of Object.entries(COUNTED))
    new Counter({
      name: `modelcommons_index_${name}_total`,
      help,
      labelNames: ['chain'],
      registers: [registry],
      collect() {
        this.reset()
        for (const { chainId, counters } of indexers())
          this.inc({ chain: String(chainId) }, counters[name as keyof Counters])
      },
    })
  return registry
}

/** Shows a registry at `/metrics`. @throws ConfigError naming INDEX_PORT when nothing can listen there. */
export async function serveMetrics(registry: Registry, { host, port }: { host: string; port: number }) {
  const server = createServer(async (request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') return response.writeHead(404).end('Metrics are at /metrics.\n')
    return response.setHeader('content-type', registry.contentType).end(await registry.metrics())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new ConfigError(`INDEX_PORT: cannot listen on ${host}:${port} (${cause.message}). Set it to a free port.`, {
          cause,
        }),
      ),
    )
    server.listen(port, host, resolve)
  })
  return () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
}
