import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ApiOptions, type ApiServer, startApi } from '#graphql/index.ts'
import { type ArtifactStore, localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { openQueues, type Queues } from '#schema/queue.ts'
import { freshDatabase } from '#test/database.ts'
import { account, TEST_CHAIN_ID } from '#test/factory.ts'

/** An API on a fresh database and a real port, used over HTTP like any client. */
export interface TestApi extends ApiServer {
  db: Database
  artifacts: ArtifactStore
  /** The logged errors. */
  logged: object[]
  /** Statements that the database has run since the last call. */
  statements(): string[]
  ask: Ask
}

export interface GraphQLResponse {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: each query has its own shape
  data: any
  errors?: { message: string; extensions: { code: string }; path?: (string | number)[] }[]
  extensions?: { cost?: { requested: number; maximum: number } }
}

export type Ask = (query: string, variables?: object, headers?: Record<string, string>) => Promise<GraphQLResponse>

export const MARKET = account(0xaa)
/** The host of the endpoints that are answered here. */
export const SERVED_HOST = account(0xab)

export async function testApi(options: Partial<ApiOptions> = {}): Promise<TestApi> {
  const db = await freshDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-artifacts-'))
  const artifacts = localStore(folder)
  const logged: object[] = []
  const { counted, statements } = counting(db)
  // Opening the queue takes time, so only tests that need jobs do it.
  let opened: Promise<Queues> | undefined
  const queues: Pick<Queues, 'add'> = {
    add: async (entries) => {
      opened ??= openQueues({ databaseUrl: db.url })
      await (await opened).add(entries)
    },
  }
  const api = await startApi({
    db: counted,
    queues,
    artifacts,
    host: '127.0.0.1',
    port: 0,
    auth: 'open',
    log: { error: (details) => void logged.push(details) },
    deployment: { chainId: TEST_CHAIN_ID, addresses: { InferenceMarket: MARKET }, hosts: [SERVED_HOST] },
    ...options,
  })
  onTestFinished(async () => {
    await api.stop()
    await (await opened)?.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { ...api, db, artifacts, logged, statements, ask: asker(api.url) }
}

const asker =
  (url: string): Ask =>
  async (query, variables, headers) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    })
    return { status: response.status, ...((await response.json()) as Omit<GraphQLResponse, 'status'>) }
  }

/** The same database; it records its statements. */
function counting(db: Database) {
  let seen: string[] = []
  const counted: Database = {
    ...db,
    query: (text, values) => {
      seen.push(typeof text === 'string' ? text : text.text)
      return db.query(text, values)
    },
  }
  return {
    counted,
    statements() {
      const since = seen
      seen = []
      return since
    },
  }
}
