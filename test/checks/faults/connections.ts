import { type Fault, FaultProxy } from '#test/faultProxy.ts'
import { openNamespace } from './network.ts'
import type { Servers } from './servers.ts'

/** PostgreSQL ends the session of a host that is silent for this time, by the keepalives that `schema/database.ts` asks for. A proxy's own
 *  connection is never silent, so the proxy ends it instead. */
const SESSION_TIMEOUT_MS = 15_000

export const ROUTES = ['database', 'redis', 's3', 'rpc'] as const
/** A host's connection to one of the servers. */
export type Route = (typeof ROUTES)[number]

export type Lift = () => Promise<void>

/** How one host reaches the servers. In a network namespace it reaches PostgreSQL without a proxy, so that the kernels on both sides see what
 *  they see when a host vanishes; elsewhere, proxies cut all connections. */
export interface Connections {
  /** The URL of each server, for the host's services; empty when there is no such server. */
  readonly urls: Readonly<Record<Route, string>>
  /** The host's address, as this machine sees it. */
  readonly address: string
  /** The command that runs a program on the host. */
  readonly command: readonly string[]
  /** Lets `fault` act on a route, over the faults that act on it already. */
  impose(route: Exclude<Route, 'database'>, fault: Fault): Promise<Lift>
  /** No packet passes between the host and the database. */
  cutDatabase(): Promise<Lift>
  /** No packet passes between the host and anything else. */
  partition(): Promise<Lift>
  close(): Promise<void>
}

export async function openConnections(servers: Servers, place: number): Promise<Connections> {
  const namespace = openNamespace(place)
  const here = namespace?.gateway ?? '127.0.0.1'
  const proxies = new Map<Route, FaultProxy>()
  const through = async (route: Route, target: string | undefined): Promise<string> => {
    if (!target) return ''
    const proxy = await FaultProxy.open(target, here)
    proxies.set(route, proxy)
    return proxy.url(target)
  }
  const direct = new URL(servers.databaseUrl)
  direct.hostname = here
  const urls = {
    database: namespace ? direct.href : await through('database', servers.databaseUrl),
    redis: await through('redis', servers.redisUrl),
    s3: await through('s3', servers.s3.endpoint),
    rpc: await through('rpc', servers.rpcUrl),
  }
  const acting = new Map<Route, Fault[]>()
  const change = async (route: Route, next: (acting: Fault[]) => Fault[]) => {
    acting.set(route, next(acting.get(route) ?? []))
    await proxies.get(route)?.set(acting.get(route)?.at(-1) ?? { mode: 'pass' })
  }
  const impose = async (route: Route, fault: Fault): Promise<Lift> => {
    await change(route, (all) => [...all, fault])
    const silent = route === 'database' && fault.mode === 'blackHole'
    const expiry = silent ? setTimeout(() => proxies.get(route)?.expire(), SESSION_TIMEOUT_MS) : undefined
    return async () => {
      clearTimeout(expiry)
      await change(route, (all) => all.filter((one) => one !== fault))
    }
  }
  const cutAll = async (routes: readonly Route[]): Promise<Lift> => {
    const lifts = await Promise.all(routes.map((route) => impose(route, { mode: 'blackHole' })))
    return async () => {
      await Promise.all(lifts.map((lift) => lift()))
    }
  }
  return {
    urls,
    address: namespace?.address ?? '127.0.0.1',
    command: namespace?.command ?? [],
    impose,
    async cutDatabase() {
      if (!namespace) return cutAll(['database'])
      namespace.setRoute(Number(direct.port), false)
      return async () => namespace.setRoute(Number(direct.port), true)
    },
    async partition() {
      if (!namespace) return cutAll(ROUTES)
      namespace.setLink(false)
      return async () => namespace.setLink(true)
    },
    async close() {
      for (const proxy of proxies.values()) await proxy.close()
      namespace?.close()
    },
  }
}
