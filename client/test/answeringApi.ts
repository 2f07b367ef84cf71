import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { OPERATOR } from '#contracts/test/world.ts'
import { startApi } from '#graphql/index.ts'
import { openQueues } from '#schema/queue.ts'
import { answeringSystem, type asking } from '#test/answeringSystem.ts'
import { freshDatabase } from '#test/database.ts'
import { type ConnectOptions, connect } from '../index.ts'

/** A whole system whose host answers: chain, index, API and workers. Everything is real except the model, which counts its answers. */
export interface AnsweringApi extends Pick<Awaited<ReturnType<typeof answeringSystem>>, 'world' | 'answered'> {
  /** Of the API. */
  url: string
  folder: string
  /** Asks the workers, without the API. */
  ask: ReturnType<typeof asking>
  as(options?: ConnectOptions): ReturnType<typeof connect>
  /** Lets the API serve a file beside its page. */
  serveFile(name: string, text: string): Promise<void>
}

/** Starts the system, and stops it when `work` has ended. */
export async function onAnsweringApi(
  work: (system: AnsweringApi) => Promise<void>,
  { web: page }: { web?: string } = {},
): Promise<void> {
  const { serving, world, store, home: folder, answered } = await answeringSystem()
  const web = join(folder, 'web')
  await mkdir(web)
  const serveFile = (name: string, text: string) => writeFile(join(web, name), text)
  await serveFile('index.html', '<!doctype html><title>client</title>')
  const db = await freshDatabase()
  const queues = await openQueues({ databaseUrl: db.url })
  onTestFinished(() => queues.close())
  await serving(db, async (ask) => {
    const { chainId, addresses, settings } = world.deployment
    const { url, stop } = await startApi({
      ...{ db, queues, web: page ?? web, port: 0, host: '127.0.0.1', auth: 'open' as const, artifacts: store },
      log: { error: (details) => console.error(details) },
      deployment: {
        ...{ chainId, addresses, settings: { ...settings }, nodeUrl: world.anvil.url },
        hosts: [OPERATOR.address.toLowerCase()],
      },
    })
    try {
      const as = (options?: ConnectOptions) => connect(url, { pollMs: 10, ...options })
      await work({ world, answered, ask, url, folder, as, serveFile })
    } finally {
      await stop()
    }
  })
}
