import type { Logger } from 'pino'
import type { Config } from '#config'
import { freePort } from '#schema/postgres.ts'
import { type BackingServices, startBackingServices } from './backingServices.ts'
import { lockHome } from './lockHome.ts'
import { requireFreePort } from './requireFreePort.ts'
import { type Service, supervise } from './supervisor.ts'

/** Everything at once: the parts, and the indexer, the API and a worker as supervised processes of their own. */
export interface System extends BackingServices {
  /** Where the API answers. */
  url: string
  services: Record<'index' | 'api' | 'worker', Service>
}

export async function startSystem(config: Config, log: Logger): Promise<System> {
  await requireFreePort(config)
  const release = await lockHome(config.home)
  let parts: BackingServices | undefined
  const services: Service[] = []
  const stop = async () => {
    await Promise.all(services.map((service) => service.stop()))
    await parts?.stop()
    await release()
  }
  try {
    parts = await startBackingServices(config, log)
    const port = config.port || (await freePort()) // one that a restarted API keeps
    const start = (name: string) => {
      const service = supervise(name, { ...parts?.env, PORT: String(port), HOST: config.host }, log)
      services.push(service)
      return service
    }
    const index = start('index')
    const api = start('api')
    const worker = start('worker')
    const [, info] = await Promise.all([index.ready, api.ready, worker.ready])
    return { ...parts, url: (info as { url: string }).url, services: { index, api, worker }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
