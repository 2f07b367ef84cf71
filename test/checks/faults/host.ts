import { join, resolve } from 'node:path'
import { freePort } from '#schema/postgres.ts'
import { clockEnvironment } from './clock.ts'
import { type Connections, openConnections } from './connections.ts'
import { type Disk, mountDisk } from './disk.ts'
import { type Servers, serviceEnvironment } from './servers.ts'
import { ServiceProcess } from './serviceProcess.ts'

/** The program of the working tree. */
export const PROGRAM = resolve(import.meta.dirname, '../../..')

export type ServiceKind = 'index' | 'api' | 'worker'

/** One host: its services, a home folder of its own, and connections of its own. */
export interface ServiceHost {
  readonly name: string
  readonly home: string
  readonly services: readonly ServiceProcess[]
  /** The URL of its API, if it has one. */
  readonly apiUrl: string | undefined
  /** The URL of the metrics of each of its services. */
  readonly metricsUrls: Readonly<Partial<Record<ServiceKind, string>>>
  readonly connections: Connections
  /** Its home folder's own file system, where one could be mounted. */
  readonly disk: Disk | undefined
  /** Starts every service that does not run, with a clock that is off by this time. */
  start(clockOffsetMs?: number): Promise<void>
  close(): Promise<void>
}

export interface ServiceHostSettings {
  name: string
  /** Its number among the hosts. */
  place: number
  folder: string
  servers: Servers
  services: readonly ServiceKind[]
  program?: string
}

export async function openServiceHost({
  name,
  place,
  folder,
  servers,
  services,
  program = PROGRAM,
}: ServiceHostSettings): Promise<ServiceHost> {
  const home = join(folder, name)
  const disk = mountDisk(home)
  const connections = await openConnections(servers, place)
  const { urls, address, command } = connections
  const port = await freePort()
  const metrics: Record<ServiceKind, number> = {
    api: await freePort(),
    index: await freePort(),
    worker: await freePort(),
  }
  const env = {
    ...serviceEnvironment(servers, urls, home),
    MODELCOMMONS_AUTH: 'open',
    MODELCOMMONS_DEVICE: 'cpu',
    RECONCILE_SECONDS: '0',
    HOST: address,
    PORT: String(port),
    METRICS_HOST: address,
    API_METRICS_PORT: String(metrics.api),
    INDEX_PORT: String(metrics.index),
    WORKER_PORT: String(metrics.worker),
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
        through: command,
      }),
  )
  return {
    name,
    home,
    services: processes,
    disk,
    connections,
    apiUrl: services.includes('api') ? `http://${address}:${port}` : undefined,
    metricsUrls: Object.fromEntries(services.map((kind) => [kind, `http://${address}:${metrics[kind]}/metrics`])),
    async start(clockOffsetMs = 0) {
      await Promise.all(
        processes.map((service) => service.start({ env: { ...env, ...clockEnvironment(clockOffsetMs) } })),
      )
    },
    async close() {
      disk?.unmount()
      await connections.close()
    },
  }
}
