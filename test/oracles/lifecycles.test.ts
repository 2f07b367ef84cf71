import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { openLifecycleIndex } from './lifecycles/index.ts'
import { RECORDED_FOLDER, type RecordedLifecycle } from './lifecycles/recorded.ts'
import { differencesFrom } from './lifecycles/verdicts.ts'

/** The verifier in Python was written from docs/protocol.md alone; `npm run check -- lifecycles` compares with it directly. */
test('the reward maps of recorded lifecycles are those that the verifier in Python computes, and the ledger is what the chain says', async () => {
  const db = await freshDatabase()
  const verdicts = { right: 0, wrong: 0, unknown: 0 }
  let inPages = 0
  for (const file of await readdir(RECORDED_FOLDER)) {
    const recorded = JSON.parse(await readFile(join(RECORDED_FOLDER, file), 'utf8')) as RecordedLifecycle
    const { events, calls, artifacts, head, pageEntries } = recorded.lifecycle
    if (pageEntries) inPages++
    const index = await openLifecycleIndex(db, pageEntries)
    try {
      for (const bytes of artifacts) await index.artifacts.put(Buffer.from(bytes, 'latin1'))
      await index.index(events, calls, head)
      expect(index.faults, file).toEqual([])
      for (const verdict of recorded.verdicts) {
        expect(await differencesFrom(verdict, index.sources), file).toEqual([])
        verdicts[!verdict.map ? 'unknown' : verdict.difference ? 'wrong' : 'right']++
      }
    } finally {
      await index.close()
    }
  }
  expect(inPages).toBeGreaterThan(3)
  expect(Math.min(verdicts.right, verdicts.wrong, verdicts.unknown)).toBeGreaterThan(3)
})
