import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { mandate } from '#contracts/test/mandate.ts'
import { HOST, startWorld, type World } from '#contracts/test/world.ts'
import { type ApiOptions, startApi } from '#graphql/index.ts'
import { startIndexer } from '#indexer/index.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { openQueues, type Queues } from '#schema/queue.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { type ConnectOptions, connect } from '../index.ts'

/** A chain with the contracts and a mandate, its index, and an API: what a client meets. No worker runs. */
export interface ClientSystem {
  world: World
  /** Of the API. */
  url: string
  folder: string
  modelId: bigint
  db: Database
  queues: Queues
  /** Connects as the nth account of the development mnemonic; without `nth`, without an account. */
  as(nth?: number, options?: ConnectOptions): ReturnType<typeof connect>
  /** Lets the API serve a file beside its page. */
  serveFile(name: string, text: string): Promise<void>
  stopApi(): Promise<void>
  startApi(): Promise<void>
}

export async function clientSystem(
  atEnd: (stop: () => Promise<void>) => void = onTestFinished,
  over: Partial<Pick<ApiOptions, 'auth' | 'relay' | 'web'>> = {},
): Promise<ClientSystem> {
  const own = await startWorld({ scoringFee: 10n ** 15n })
  atEnd(() => own.anvil.stop())
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-client-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  const web = join(folder, 'web')
  await mkdir(web)
  await writeFile(join(web, 'index.html'), '<!doctype html><title>client</title>')
  const modelId = await mandate(own)
  const db = await openDatabase(await freshDatabaseUrl())
  atEnd(() => db.close())
  const stop = new AbortController()
  const indexer = await startIndexer({
    ...{ db, rpcUrl: own.anvil.url, deployment: own.deployment },
    ...{ signal: stop.signal, pollMs: 10 },
  })
  await indexer.caughtUp()
  const queues = await openQueues({ databaseUrl: db.url })
  const { chainId, addresses, settings } = own.deployment
  const open = (port: number) =>
    startApi({
      ...{ db, queues, port, host: '127.0.0.1', auth: 'open' as const },
      web,
      ...over,
      artifacts: localStore(join(folder, 'artifacts')),
      log: { error: (details) => console.error(details) },
      deployment: {
        chainId,
        addresses,
        settings: { ...settings },
        hosts: [HOST.address.toLowerCase()],
        nodeUrl: own.anvil.url,
      },
    })
  const first = await open(0)
  let api: typeof first | undefined = first
  const stopApi = async () => {
    await api?.stop()
    api = undefined
  }
  atEnd(async () => {
    await stopApi()
    await queues.close()
    stop.abort()
    await indexer.stopped
  })
  return {
    ...{ world: own, url: first.url, folder, modelId, db, queues, stopApi },
    serveFile: (name, text) => writeFile(join(web, name), text),
    as: (nth, options) =>
      connect(first.url, { pollMs: 10, ...(nth !== undefined && { account: devAccount(nth) }), ...options }),
    async startApi() {
      api = await open(Number(new URL(first.url).port))
    },
  }
}
