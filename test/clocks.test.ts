import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Hosts have different clocks. What is stored, or decides something that several hosts share, has the database's time (`databaseTime`,
 *  `clock_timestamp()`) or a block's; durations are measured with `performance.now()`. */

const root = join(import.meta.dirname, '..')
const SHARED = ['rules', 'schema', 'graphql', 'workers', 'indexer', 'engine', 'epochs', 'gateway', 'cli', 'model']
/** Reads of a host's clock that concern this host alone. */
const EXCEPTIONS: Record<string, string> = {
  'schema/circuitBreaker.ts': 'since when this process has seen no answer, for its log',
  'schema/artifacts/cacheFolder.ts': 'compares the times of files of this host',
  'gateway/exchange.ts': 'tells a client when its answer was made, and decides nothing',
  'gateway/responseObject.ts': 'tells a client when its answer was complete, and decides nothing',
  'cli/runningSystem.ts': 'tells when the system of this folder was started',
  'cli/acts/callCommands.ts': 'which days of usage are asked for, where none is named',
  'cli/doctor.ts': 'dates a report',
  'cli/up.ts': 'how long the start took',
  'cli/emptyBlocks.ts': 'the time of the embedded chain, of which this process mines the blocks',
  'cli/backup/restore.ts': 'names a folder',
  'cli/backup/backup.ts': 'compares the time of a file of this host',
  'model/checkFiles.ts': 'today, for deadlines that lie in the past',
  'model/initFolder.ts': 'today, for the deadline of a new folder',
}

test('no time of a host’s own clock is stored or compared', () => {
  const found = SHARED.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((file) => join(folder, String(file)))
      .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|\/test\/|\.fixture\.ts$/.test(file))
      .filter((file) => /\bDate\.now\(\)|\bnew Date\(\)/.test(readFileSync(join(root, file), 'utf8'))),
  )
  expect(found.sort()).toEqual(Object.keys(EXCEPTIONS).sort())
})
