import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepCheckpointOf, TRAINING_CHECKPOINT } from './checkpointDataset.ts'
import { temporaryFolder } from './test/testWorker.ts'

test('an attempt on the same samples finds its checkpoint, one on others begins anew', async () => {
  const folder = await temporaryFolder()
  const checkpoint = join(folder, TRAINING_CHECKPOINT)
  await writeFile(checkpoint, 'of an earlier release, which names no samples')
  for (const root of ['a', 'a']) {
    await keepCheckpointOf(folder, root)
    expect(existsSync(checkpoint)).toBe(true)
  }
  await keepCheckpointOf(folder, 'b')
  expect(existsSync(checkpoint)).toBe(false)
  await writeFile(checkpoint, 'of b')
  await keepCheckpointOf(folder, 'b')
  expect(existsSync(checkpoint)).toBe(true)
})
