import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { JobRun } from '#schema/offchain/jobs.ts'
import { freshDatabase } from '#test/database.ts'
import { insertAll } from '#test/factory.ts'
import { sweepCheckpointFolders } from './sweepCheckpoints.ts'
import { temporaryFolder } from './test/testWorker.ts'

test('folders of checkpoints that a dead worker left are deleted once their jobs have ended, and no others', async () => {
  const db = await freshDatabase()
  const folder = await temporaryFolder()
  const [running, ended, unknown] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string]
  await insertAll(db, JobRun, [
    { id: running, status: 'Running', idempotencyKey: 'running' },
    { id: ended, status: 'Succeeded', idempotencyKey: 'ended' },
  ])
  for (const name of [running, ended, `${ended}.fetched`, unknown]) {
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'training'), 'weights')
  }
  expect(await sweepCheckpointFolders({ db, folder })).toBe(2)
  expect((await readdir(folder)).sort()).toEqual([running, unknown])
  expect(await sweepCheckpointFolders({ db, folder: join(folder, 'none') })).toBe(0)
})
