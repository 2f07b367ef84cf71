import { join } from 'node:path'
import type { ModelYaml, Scorers } from '#model/format.ts'
import { modelYaml, scorersYaml } from '#model/format.ts'
import { Problems, problemText } from '#model/problems.ts'
import { FILES } from '#model/readFolder.ts'
import { readYaml } from '#model/readYaml.ts'

/** The model folder of the example: what its people propose. Its items are those of seed 1; the story draws its own by its seed. */
export const TRIAGE_FOLDER = join(import.meta.dirname, 'triage')

async function read(): Promise<{ model: ModelYaml; scorers: Scorers }> {
  const problems = new Problems()
  const model = await readYaml(TRIAGE_FOLDER, FILES.model, modelYaml, problems)
  const scorers = await readYaml(TRIAGE_FOLDER, FILES.scorers, scorersYaml, problems)
  if (!model || !scorers) throw new Error(problems.sorted.map(problemText).join('\n'))
  return { model: model.value, scorers: scorers.value }
}

export const TRIAGE = await read()
