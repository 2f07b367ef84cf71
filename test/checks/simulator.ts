import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '#schema/database.ts'
import { ensureDatabase, startPostgres } from '#schema/postgres.ts'
import { migrate } from '#schema/source.ts'
import { databaseUrl } from '../postgres.setup.ts'
import { simulate } from '../simulator/simulate.ts'

/** `npm run check -- simulator --seeds 200 [--from 1]`: so many lives of the indexer; prints the seeds that ended with other rows
 *  than a clean sync. @returns whether none did. */
export async function checkSimulator(seeds: number, from: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-simulator-'))
  const server = await startPostgres(folder, { flags: { fsync: 'off' } })
  try {
    const open = async (name: string) => {
      await ensureDatabase(server.url, name)
      await migrate(databaseUrl(server.url, name))
      return openDatabase(databaseUrl(server.url, name))
    }
    const [subject, clean] = [await open('subject'), await open('clean')]
    const failed: number[] = []
    for (let seed = from; seed < from + seeds; seed++) {
      const found = await simulate(seed, subject, clean).catch((error: Error) => [error.stack ?? error.message])
      if (found.length) {
        failed.push(seed)
        console.log(
          `seed ${seed}: ${found.length} rows differ; again: npm run check -- simulator --seeds 1 --from ${seed}`,
        )
        for (const line of found.slice(0, 5)) console.log(`  ${line}`)
      } else console.log(`seed ${seed}: the rows of a clean sync`)
    }
    console.log(`${seeds - failed.length} of ${seeds} seeds ended with the rows of a clean sync`)
    await subject.close()
    await clean.close()
    return failed.length === 0
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
