import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { migrate } from '#schema/migrate.ts'
import { ensureDatabase, startPostgres } from '#schema/postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A real PostgreSQL server for the whole run; its database `template` holds the migrated schema. */
    postgresUrl: string
  }
}

/** Starts one real PostgreSQL for the whole test run, with a migrated template database. */
export default async function setup(project: TestProject) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-test-'))
  const server = await startPostgres(folder, {
    // Nothing here outlives a crash, and thousands of small databases need no cleaning.
    flags: { fsync: 'off', full_page_writes: 'off', autovacuum: 'off', max_wal_size: '4GB' },
  })
  await ensureDatabase(server.url, 'template')
  await migrate(databaseUrl(server.url, 'template'))
  project.provide('postgresUrl', server.url)
  return async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
