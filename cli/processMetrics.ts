import { statfs } from 'node:fs/promises'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Config } from '#config'

/** The metrics that every service has: of its process, and of the disk that holds its files. */
export function openProcessMetrics({ home }: Pick<Config, 'home'>): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'modelcommons_' })
  const gauge = (name: string, help: string, read: () => Promise<number>) =>
    new Gauge({
      name: `modelcommons_${name}`,
      help,
      registers: [registry],
      async collect() {
        await read().then(
          (value) => this.set(value),
          () => this.reset(),
        )
      },
    })
  gauge('disk_free_bytes', 'Free space of the disk that holds MODELCOMMONS_HOME.', async () => {
    const { bavail, bsize } = await statfs(home)
    return bavail * bsize
  })
  gauge('disk_size_bytes', 'Size of the disk that holds MODELCOMMONS_HOME.', async () => {
    const { blocks, bsize } = await statfs(home)
    return blocks * bsize
  })
  return registry
}
