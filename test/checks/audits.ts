import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverAudits } from 'graphql-http'
import { startApi } from '#graphql/index.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { TEST_CHAIN_ID } from '#test/factory.ts'

/** Runs the server audits of graphql-http against the API and prints their results. @returns whether all of them pass. */
export async function checkAudits(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'audits-'))
  const server = await startPostgres(join(folder, 'postgres'))
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    const api = await startApi({
      db,
      queues: { add: async () => {} },
      artifacts: localStore(join(folder, 'artifacts')),
      deployment: { chainId: TEST_CHAIN_ID, addresses: {} },
      auth: 'open',
      log: console,
      host: '127.0.0.1',
      port: 0,
    })
    // The API refuses a simple cross-site GET: it requires this header, for which a browser must send a preflight request.
    const fetchFn = (input: string, init: RequestInit = {}) =>
      fetch(input, { ...init, headers: { ...(init.headers as object), 'apollo-require-preflight': '1' } })
    const counts = { ok: 0, notice: 0, warn: 0, error: 0 }
    for (const audit of serverAudits({ url: `${api.url}/graphql`, fetchFn })) {
      const result = await audit.fn()
      counts[result.status]++
      console.log(`${result.status.padEnd(5)} ${audit.name}${result.status === 'ok' ? '' : `: ${result.reason}`}`)
    }
    const ok = counts.warn === 0 && counts.error === 0
    console.log(JSON.stringify({ check: 'audits', ok, audits: counts }))
    await api.stop()
    await db.close()
    return ok
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
