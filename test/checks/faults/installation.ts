import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '#schema/database.ts'
import { openServiceHost, type ServiceHost, type ServiceKind } from './host.ts'
import { type Servers, startServers } from './servers.ts'
import { runToEnd } from './serviceProcess.ts'

/** What one run uses: the servers, and hosts with services of their own. */
export interface Installation {
  folder: string
  servers: Servers
  hosts: readonly ServiceHost[]
  /** The database, not through any proxy. */
  db: Database
  /** The URLs of all APIs. */
  apiUrls: readonly string[]
  /** Stops everything; deletes the files unless `keep`. */
  close(keep: boolean): Promise<void>
}

/** Two of everything, and a third worker. */
export const ALL_HOSTS: Readonly<Record<string, readonly ServiceKind[]>> = {
  a: ['index', 'api', 'worker'],
  b: ['index', 'api', 'worker'],
  c: ['worker'],
}
/** The hosts of the undisturbed run. */
export const ONE_HOST: Readonly<Record<string, readonly ServiceKind[]>> = { a: ['index', 'api', 'worker'] }

/** Starts the servers and the hosts, and waits until every service is ready. `program` is another release's folder;
 *  without `redis` the queue is in PostgreSQL. */
export async function openInstallation(
  layout: Readonly<Record<string, readonly ServiceKind[]>>,
  { program, redis = true }: { program?: string; redis?: boolean } = {},
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-faults-'))
  await chmod(folder, 0o755) // the database server may run as another user
  const servers = await startServers(folder, { redis })
  const hosts: ServiceHost[] = []
  let db: Database | undefined
  const close = async (keep: boolean) => {
    await Promise.all(hosts.flatMap(({ services }) => services.map((service) => service.kill())))
    await Promise.all(hosts.map((host) => host.close()))
    await db?.close().catch(() => {})
    await servers.stop()
    if (!keep) await rm(folder, { recursive: true, force: true })
  }
  try {
    if (program) await runToEnd(program, ['migrate'], { DATABASE_URL: servers.databaseUrl }) // the first release did not migrate by itself
    db = await openDatabase(servers.databaseUrl, { name: 'faults check', max: 3 })
    for (const [place, [name, services]] of Object.entries(layout).entries())
      hosts.push(await openServiceHost({ name, place, folder, servers, services, program }))
    await Promise.all(hosts.map((host) => host.start()))
    const apiUrls = hosts.flatMap(({ apiUrl }) => apiUrl ?? [])
    return { folder, servers, hosts, db, apiUrls, close }
  } catch (error) {
    await close(true)
    throw error
  }
}
