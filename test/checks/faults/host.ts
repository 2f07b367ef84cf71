import { join, resolve } from 'node:path'
import { freePort } from '#schema/postgres.ts'
import { type Fault, FaultProxy } from '#test/faultProxy.ts'
import { clockEnvironment } from './clock.ts'
import { type Disk, mountDisk } from './disk.ts'
import type { Servers } from './servers.ts'
import { ServiceProcess } from './serviceProcess.ts'

/** The program of the working tree. */
export const PROGRAM = resolve(import.meta.dirname, '../../..')

/** PostgreSQL ends the session of a host that is silent for this time, by the keepalives that `schema/database.ts` asks for. The proxy's own
 *  connection is never silent, so the proxy ends it instead. */
const SESSION_TIMEOUT_MS = 15_000

export const ROUTES = ['database', 'redis', 's3', 'rpc'] as const
/** A host's connection to one of the servers. */
export type Route = (typeof ROUTES)[number]

export type ServiceKind = 'index' | 'api' | 'worker'

/** One host: its services, a home folder of its own, and a proxy in front of each server that it uses. */
export interface ServiceHost {
  readonly name: string
  readonly home: string
  readonly services: readonly ServiceProcess[]
  /** The URL of its API, if it has one. */
  readonly apiUrl: string | undefined
  /** The URLs of the metrics of its services. */
  readonly metricsUrls: readonly string[]
  /** Lets `fault` act on a route, over the faults that act on it already; the result lifts it. */
  impose(route: Route, fault: Fault): Promise<() => Promise<void>>
  /** Its home folder's own file system, where one could be mounted. */
  readonly disk: Disk | undefined
  /** Starts every service that does not run, with a clock that is off by this time. */
  start(clockOffsetMs?: number): Promise<void>
  close(): Promise<void>
}

export interface ServiceHostSettings {
  name: string
  folder: string
  servers: Servers
  services: readonly ServiceKind[]
  program?: string
}

export async function openServiceHost({
  name,
  folder,
  servers,
  services,
  program = PROGRAM,
}: ServiceHostSettings): Promise<ServiceHost> {
  const home = join(folder, name)
  const disk = mountDisk(home)
  const targets: Record<Route, string | undefined> = {
    database: servers.databaseUrl,
    redis: servers.redisUrl,
    s3: servers.s3.endpoint,
    rpc: servers.rpcUrl,
  }
  const proxies = new Map<Route, FaultProxy>()
  const through = async (route: Route): Promise<string> => {
    const target = targets[route]
    if (!target) return ''
    const proxy = await FaultProxy.open(target)
    proxies.set(route, proxy)
    return proxy.url(target)
  }
  const ports = { api: await freePort(), index: await freePort() }
  const env = {
    MODELCOMMONS_HOME: home,
    DATABASE_URL: await through('database'),
    REDIS_URL: await through('redis'),
    S3_ENDPOINT: await through('s3'),
    RPC_URL: await through('rpc'),
    S3_BUCKET: servers.s3.bucket,
    S3_ACCESS_KEY_ID: servers.s3.accessKeyId,
    S3_SECRET_ACCESS_KEY: servers.s3.secretAccessKey,
    DEPLOYMENT: servers.deploymentFile,
    OPERATOR_KEY: servers.operatorKey,
    MODELCOMMONS_AUTH: 'open',
    MODELCOMMONS_DEVICE: 'cpu',
    RECONCILE_SECONDS: '0',
    PORT: String(ports.api),
    INDEX_PORT: String(ports.index),
    LOG_LEVEL: 'info',
  }
  const processes = services.map(
    (kind) =>
      new ServiceProcess({
        name: `${kind}-${name}`,
        program,
        args: [kind],
        env,
        logFile: join(folder, `${kind}-${name}.log`),
      }),
  )
  const acting = new Map<Route, Fault[]>()
  const apply = (route: Route) =>
    proxies.get(route)?.set(acting.get(route)?.at(-1) ?? { mode: 'pass' }) ?? Promise.resolve()
  return {
    name,
    home,
    services: processes,
    disk,
    apiUrl: services.includes('api') ? `http://127.0.0.1:${ports.api}` : undefined,
    metricsUrls: [
      ...(services.includes('api') ? [`http://127.0.0.1:${ports.api}/metrics`] : []),
      ...(services.includes('index') ? [`http://127.0.0.1:${ports.index}/metrics`] : []),
    ],
    async impose(route, fault) {
      acting.set(route, [...(acting.get(route) ?? []), fault])
      await apply(route)
      const silent = route === 'database' && fault.mode === 'blackHole'
      const expiry = silent ? setTimeout(() => proxies.get(route)?.expire(), SESSION_TIMEOUT_MS) : undefined
      return async () => {
        clearTimeout(expiry)
        acting.set(
          route,
          (acting.get(route) ?? []).filter((one) => one !== fault),
        )
        await apply(route)
      }
    },
    async start(clockOffsetMs = 0) {
      await Promise.all(
        processes.map((service) => service.start({ env: { ...env, ...clockEnvironment(clockOffsetMs) } })),
      )
    },
    async close() {
      disk?.unmount()
      for (const proxy of proxies.values()) await proxy.close()
    },
  }
}
