import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withLifecycleDatabase } from './database.ts'
import { openLifecycleIndex } from './index.ts'
import { pageEntriesOf, playLifecycle, SMALL_SIZE } from './play.ts'
import { pythonVerdicts } from './python.ts'
import { RECORDED_FOLDER, type RecordedLifecycle } from './recorded.ts'

/** `node --import tsx test/oracles/lifecycles/record.ts`: plays small lifecycles and stores them with what the verifier in Python says of their maps. */

/** Some of the last ones have maps that are impossible to check. */
const SEEDS = [...Array.from({ length: 18 }, (_, i) => i + 1), 26, 30, 32]

await rm(RECORDED_FOLDER, { recursive: true, force: true })
await mkdir(RECORDED_FOLDER, { recursive: true })
await withLifecycleDatabase(async (db) => {
  for (const seed of SEEDS) {
    const index = await openLifecycleIndex(db, pageEntriesOf(seed))
    try {
      const lifecycle = await playLifecycle(seed, SMALL_SIZE, index)
      const recorded: RecordedLifecycle = { lifecycle, verdicts: await pythonVerdicts(lifecycle, index.folder) }
      const text = JSON.stringify(recorded, null, 1).replace(/\n {3,}/g, ' ')
      await writeFile(join(RECORDED_FOLDER, `${seed}.golden.json`), `${text}\n`)
    } finally {
      await index.close()
    }
  }
})
