import type { Logger } from 'pino'
import type { Config } from '#config'
import { freePort } from '#schema/postgres.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { readStewardFile } from '#workers/steward/policyFile.ts'
import { type BackingServices, startBackingServices } from './backingServices.ts'
import { markHome, requireUsableHome } from './homeVersion.ts'
import { lockHome } from './lockHome.ts'
import { requireFreePorts } from './requireFreePort.ts'
import { type Announcement, announceSystem } from './runningSystem.ts'
import { type Service, supervise } from './supervisor.ts'
import { workerSlots } from './workerSlots.ts'

type ServiceName = 'index' | 'api' | 'worker'

/** What a service tells when it is ready. */
interface ServiceInfo {
  url: string
  statusUrl?: string
}

/** The backing services, and the indexer, the API and a worker as supervised processes. */
export interface System extends BackingServices {
  /** The URL of the API. */
  url: string
  /** Where each service has /live, /ready and /metrics; those without a port of their own have none. */
  statusUrls: Partial<Record<ServiceName, string>>
  services: Record<ServiceName, Service>
  /** Tells `doctor` how the example gets on. */
  tellExample: Announcement['tellExample']
}

/** Starts the whole system. When `signal` aborts before it is ready, everything that was started is stopped. */
export async function startSystem(config: Config, log: Logger, signal = new AbortController().signal): Promise<System> {
  workerSlots(config) // what is wrong in WORKER_KINDS is told before anything starts
  await requireFreePorts(config)
  if (config.stewardFile) await readStewardFile(config.stewardFile)
  const release = await untilAborted(lockHome(config.home), signal)
  let backing: BackingServices | undefined
  const services: Service[] = []
  let announced: Announcement | undefined
  const stop = async () => {
    await announced?.withdraw()
    await Promise.all(services.map((service) => service.stop()))
    await backing?.stop()
    await release()
  }
  try {
    await requireUsableHome(config.home)
    backing = await startBackingServices(config, log, signal)
    await markHome(config.home)
    signal.throwIfAborted()
    const port = config.port || (await freePort()) // a restarted API keeps the port
    const start = (name: string, ...args: string[]) => {
      const service = supervise(name, { ...backing?.env, PORT: String(port), HOST: config.host }, log, args)
      services.push(service)
      return service
    }
    // An embedded chain that was killed has lost its last seconds, final blocks among them, and no other chain can be meant.
    const index = backing.local ? start('index', '--rewind') : start('index')
    const api = start('api')
    const worker = start('worker')
    const ready = Promise.all([index.ready, api.ready, worker.ready]) as Promise<ServiceInfo[]>
    const [ofIndex, ofApi, ofWorker] = await untilAborted(ready, signal)
    const url = ofApi?.url as string
    const statusUrls = { index: ofIndex?.statusUrl, api: ofApi?.statusUrl, worker: ofWorker?.statusUrl }
    announced = await announceSystem(config, { url, statusUrls })
    return {
      ...backing,
      url,
      statusUrls,
      services: { index, api, worker },
      tellExample: announced.tellExample,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
