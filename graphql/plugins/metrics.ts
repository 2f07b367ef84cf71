import type { ApolloServerPlugin } from '@apollo/server'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { ApiContext } from '../context.ts'

/** Records the number, duration and errors of requests in `registry`. */
export function metricsPlugin(registry: Registry): ApolloServerPlugin<ApiContext> {
  const seconds = new Histogram({
    name: 'modelcommons_graphql_request_seconds',
    help: 'Duration of GraphQL requests, by kind of operation.',
    labelNames: ['operation'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  const errors = new Counter({
    name: 'modelcommons_graphql_errors_total',
    help: 'Errors returned, by code.',
    labelNames: ['code'],
    registers: [registry],
  })
  return {
    async requestDidStart() {
      const start = performance.now()
      return {
        async willSendResponse({ operation, response }) {
          seconds.observe({ operation: operation?.operation ?? 'none' }, (performance.now() - start) / 1000)
          if (response.body.kind !== 'single') return
          for (const error of response.body.singleResult.errors ?? [])
            errors.inc({ code: String(error.extensions?.code ?? 'UNKNOWN') })
        },
      }
    },
  }
}
