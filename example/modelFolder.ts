import { join } from 'node:path'
import type { ModelFolder } from '#model/checkFiles.ts'
import { diskFolder } from '#model/diskFolder.ts'
import { Problems, problemText } from '#model/problems.ts'
import { readFolder } from '#model/readFolder.ts'

/** The model folder of the example: what its people propose. Its items are those of seed 1; the story draws its own by its seed. */
export const TRIAGE_FOLDER = join(import.meta.dirname, 'triage')

async function read(): Promise<ModelFolder> {
  const problems = new Problems()
  const { model, scorers, ...parts } = await readFolder(diskFolder(TRIAGE_FOLDER), problems)
  if (!model || !scorers || problems.list.length > 0) throw new Error(problems.sorted.map(problemText).join('\n'))
  return { ...parts, model: model.value, scorers: scorers.value } as ModelFolder
}

export const TRIAGE = await read()
