import { join } from 'node:path'
import type { Fault } from '#test/faultProxy.ts'
import type { SeededRandom } from '../../simulator/random.ts'
import type { Route } from './connections.ts'
import { PROGRAM } from './host.ts'
import type { Installation } from './installation.ts'
import { serviceEnvironment } from './servers.ts'
import { runToEnd, type ServiceProcess } from './serviceProcess.ts'

/** A fault that acts. */
export interface ActiveFault {
  /** The host or the service at which it was aimed. */
  target: string
  lift(): Promise<unknown>
}

export interface FaultKind {
  /** How long it lasts, in seconds: the least and the most. */
  seconds: readonly [number, number]
  /** The operator's alarms of which one must tell it; none where the system repairs itself before anybody could act. */
  alarms: readonly string[]
  /** Whether nothing else may fail meanwhile. */
  alone?: boolean
  /** Starts the fault; undefined where this machine does not permit it. */
  inject(installation: Installation, random: SeededRandom): Promise<ActiveFault | undefined>
}

const oneOf = <T>(random: SeededRandom, some: readonly T[]): T => {
  const found = some[random(some.length)]
  if (found === undefined) throw new Error('There is nothing to choose from.')
  return found
}

/** A fault of one route of every host. */
const everywhere = (
  route: Exclude<Route, 'database'>,
  fault: Fault,
  seconds: FaultKind['seconds'],
  alarms: readonly string[],
): FaultKind => ({
  seconds,
  alarms,
  async inject({ hosts }) {
    const lifts = await Promise.all(hosts.map(({ connections }) => connections.impose(route, { ...fault })))
    return { target: 'every host', lift: () => Promise.all(lifts.map((lift) => lift())) }
  },
})

const anyService = ({ hosts }: Installation, random: SeededRandom): ServiceProcess =>
  oneOf(random, oneOf(random, hosts).services)

const STORE_ALARMS = ['S3CircuitOpen', 'JobsWait']
const NODE_ALARMS = ['IndexerFailing', 'IndexerSilent', 'RpcCircuitOpen']
const DATABASE_ALARMS = ['MetricFailing', 'NoActiveIndexer', 'NoWorker']
const HOST_ALARMS = ['ServiceDown', 'WorkerLost', 'NoStandbyIndexer']

/** The kinds of faults. */
export const FAULT_KINDS = {
  's3 errors': everywhere('s3', { mode: 'status', status: 500 }, [10, 30], STORE_ALARMS),
  's3 hangs': everywhere('s3', { mode: 'hang' }, [10, 25], STORE_ALARMS),
  's3 slow bodies': everywhere('s3', { mode: 'slow', bytesPerSecond: 20_000 }, [8, 20], []),
  's3 cut bodies': everywhere('s3', { mode: 'reset', afterBytes: 3_000 }, [8, 20], STORE_ALARMS),
  's3 refuses': everywhere('s3', { mode: 'refuse' }, [8, 20], STORE_ALARMS),
  'rpc refuses': everywhere('rpc', { mode: 'refuse' }, [5, 20], NODE_ALARMS),
  'rpc hangs': everywhere('rpc', { mode: 'hang' }, [5, 20], NODE_ALARMS),
  'rpc limits the rate': everywhere('rpc', { mode: 'status', status: 429 }, [5, 20], NODE_ALARMS),
  'database killed': {
    seconds: [1, 6],
    alarms: DATABASE_ALARMS,
    async inject({ servers }, random) {
      const restarted = servers.crashDatabase(500 + random(5_000))
      return { target: 'PostgreSQL', lift: () => restarted }
    },
  },
  'database out of reach of one host': {
    seconds: [8, 25],
    alarms: [...DATABASE_ALARMS, ...HOST_ALARMS],
    async inject({ hosts }, random) {
      const { name, connections } = oneOf(random, hosts)
      return { target: `host ${name}`, lift: await connections.cutDatabase() }
    },
  },
  'redis wiped': {
    seconds: [1, 2],
    alarms: [],
    async inject({ servers }) {
      if (!servers.redisUrl) return undefined
      await servers.crashRedis(0)
      return { target: 'Redis', lift: async () => {} }
    },
  },
  'redis down': {
    seconds: [4, 15],
    alarms: ['QueueSilent'],
    async inject({ servers }, random) {
      if (!servers.redisUrl) return undefined
      const restarted = servers.crashRedis(3_000 + random(10_000))
      return { target: 'Redis', lift: () => restarted }
    },
  },
  'redis frozen': {
    seconds: [4, 15],
    alarms: ['QueueSilent'],
    async inject({ servers }) {
      if (!servers.redisUrl) return undefined
      servers.freezeRedis(true)
      return { target: 'Redis', lift: async () => servers.freezeRedis(false) }
    },
  },
  'host partitioned': {
    seconds: [10, 25],
    alarms: HOST_ALARMS,
    async inject({ hosts }, random) {
      const { name, connections } = oneOf(random, hosts)
      return { target: `host ${name}`, lift: await connections.partition() }
    },
  },
  'host vanished': {
    seconds: [18, 30],
    alarms: HOST_ALARMS,
    async inject({ hosts }, random) {
      const host = oneOf(random, hosts)
      const join = await host.connections.partition()
      await Promise.all(host.services.map((service) => service.kill()))
      return {
        target: `host ${host.name}`,
        async lift() {
          await join()
          await Promise.all(host.services.map((service) => service.start()))
        },
      }
    },
  },
  'host frozen': {
    seconds: [5, 25],
    alarms: HOST_ALARMS,
    async inject({ hosts }, random) {
      const { name, services } = oneOf(random, hosts)
      for (const service of services) service.signal('SIGSTOP')
      return {
        target: `host ${name}`,
        async lift() {
          for (const service of services) service.signal('SIGCONT')
        },
      }
    },
  },
  'service killed': {
    seconds: [1, 8],
    alarms: HOST_ALARMS,
    async inject(installation, random) {
      const service = anyService(installation, random)
      await service.kill()
      return { target: service.name, lift: () => service.start() }
    },
  },
  'worker killed': {
    seconds: [1, 8],
    alarms: HOST_ALARMS,
    async inject({ hosts }, random) {
      const workers = hosts.flatMap(({ services }) => services.filter(({ name }) => name.startsWith('worker')))
      const service = oneOf(random, workers)
      await service.kill()
      return { target: service.name, lift: () => service.start() }
    },
  },
  'service restarted': {
    seconds: [1, 3],
    alarms: HOST_ALARMS,
    async inject(installation, random) {
      const service = anyService(installation, random)
      if (!(await service.stop())) throw new Error(`${service.name} did not end after SIGTERM.`)
      return { target: service.name, lift: () => service.start() }
    },
  },
  'disk full': {
    seconds: [8, 25],
    alarms: ['DiskNearlyFull'],
    async inject({ hosts }, random) {
      const { name, disk } = oneOf(random, hosts)
      const empty = await disk?.fill()
      return empty && { target: `host ${name}`, lift: empty }
    },
  },
  /** The database and the queue are lost while everything is down; what `modelcommons backup` wrote before is restored. */
  'backup restored': {
    seconds: [1, 2],
    alarms: HOST_ALARMS,
    alone: true,
    async inject({ hosts, servers, folder }, random) {
      await Promise.all(hosts.flatMap(({ services }) => services.map((service) => service.kill())))
      const backup = join(folder, `backup-${random(1 << 30)}`)
      const urls = { database: servers.databaseUrl, redis: '', s3: servers.s3.endpoint, rpc: servers.rpcUrl }
      const env = serviceEnvironment(servers, urls, join(folder, 'operator'))
      await runToEnd(PROGRAM, ['backup', '--out', backup], env)
      await servers.loseDatabase()
      await servers.crashRedis(0)
      await runToEnd(PROGRAM, ['restore', backup], env)
      await Promise.all(hosts.flatMap(({ services }) => services.map((service) => service.start())))
      return { target: 'PostgreSQL and Redis', lift: async () => {} }
    },
  },
  /** The clock stays wrong to the end of the run. */
  'clock skewed': {
    seconds: [1, 2],
    alarms: HOST_ALARMS,
    async inject({ hosts }, random) {
      const host = oneOf(random, hosts)
      const minutes = (random(2) ? 1 : -1) * (1 + random(12))
      await Promise.all(host.services.map((service) => service.kill()))
      await host.start(minutes * 60_000)
      return { target: `host ${host.name} by ${minutes} minutes`, lift: async () => {} }
    },
  },
} as const satisfies Record<string, FaultKind>

export type FaultName = keyof typeof FAULT_KINDS
export const FAULT_NAMES = Object.keys(FAULT_KINDS) as FaultName[]
