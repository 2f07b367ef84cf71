import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, BlockList } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Config } from '#config'
import { sameSecret } from '#schema/sameSecret.ts'
import { statusPortTaken } from './requireFreePort.ts'

/** Every service tells the operator how it is: `/live` answers while the process runs, `/ready` with 200 or 503 and the reason, `/metrics` for
 *  Prometheus. This is not for strangers: it has a port of its own, which listens on METRICS_HOST, this machine alone by default. Without
 *  METRICS_TOKEN only this machine and private networks are answered; with it, `/metrics` takes whoever bears it. */

export interface ReadinessReport {
  ready: boolean
  /** What is wrong and what to do, unless it is ready. */
  reason?: string
}

export interface ServiceStatus {
  registry: Registry
  ready(): Promise<ReadinessReport>
}

export type StatusPort = 'API_METRICS_PORT' | 'INDEX_PORT' | 'WORKER_PORT'

/** Networks that strangers are not in: RFC 1918, RFC 4193, loopback and link-local addresses. */
const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv6')

/** Serves the status on the port that `variable` names; does nothing when it is not set.
 *  @throws ConfigError that names the variable when nothing can listen there. */
export async function serveStatus(
  config: Pick<Config, 'metricsHost' | 'metricsToken' | 'statusPorts'>,
  variable: StatusPort,
  status: ServiceStatus,
): Promise<{ url?: string; close(): Promise<void> }> {
  const { metricsHost: host, metricsToken: token } = config
  const port = config.statusPorts[variable]
  if (port === undefined) return { close: async () => {} }
  const server = createServer((request, response) => {
    answer(request, response, token, status).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500)
      response.end(`${error.message}\n`)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(statusPortTaken(variable, host, port, cause)))
    server.listen(port, host, resolve)
  })
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string | undefined,
  { registry, ready }: ServiceStatus,
): Promise<void> {
  const json = (code: number, body: object) =>
    void response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  switch (request.url?.split('?')[0]) {
    case '/live':
      return json(200, { live: true })
    case '/ready': {
      const report = await Promise.race([ready(), tooLate()]).catch(
        (error: Error): ReadinessReport => ({ ready: false, reason: error.message }),
      )
      return json(report.ready ? 200 : 503, report)
    }
    case '/metrics':
      if (!mayRead(request, token))
        return void response
          .writeHead(403)
          .end('Metrics are for the operator: set METRICS_TOKEN, and send it as a bearer token.\n')
      return void response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics())
    default:
      return void response.writeHead(404).end('There are /live, /ready and /metrics.\n')
  }
}

/** Who asks must not wait for a database or a queue that hangs. */
const READY_TIMEOUT_MS = 4_000
const tooLate = () =>
  sleep<ReadinessReport>(
    READY_TIMEOUT_MS,
    { ready: false, reason: `The database or the queue gives no answer within ${READY_TIMEOUT_MS / 1000} s.` },
    { ref: false },
  )

function mayRead({ headers, socket }: IncomingMessage, token: string | undefined): boolean {
  if (token) return sameSecret(headers.authorization ?? '', `Bearer ${token}`)
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  return PRIVATE.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}
