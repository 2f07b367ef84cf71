import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The file of a training's checkpoint. */
export const TRAINING_CHECKPOINT = 'training'
const DATASET = 'dataset'

/** Keeps the checkpoint of an earlier attempt on the same samples. One on others is deleted, since no run continues it: more may have been accepted meanwhile,
 *  and some taken down. */
export async function keepCheckpointOf(folder: string, datasetRoot: string): Promise<void> {
  const before = await readFile(join(folder, DATASET), 'utf8').catch(() => undefined)
  if (before !== undefined && before !== datasetRoot) await rm(join(folder, TRAINING_CHECKPOINT), { force: true })
  await writeFile(join(folder, DATASET), datasetRoot)
}
