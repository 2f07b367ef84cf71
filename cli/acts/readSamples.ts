import { ConfigError } from '#config'
import { Problems, problemText } from '#model/problems.ts'
import { readSampleFile } from '#model/sampleFile.ts'
import type { PromptCompletion } from '#rules/sample.ts'

const MAX_SHOWN = 20

/** Reads samples from a file: JSON Lines, or CSV or Parquet with the columns `prompt` and `completion`.
 *  @throws ConfigError that names every line that is wrong, and why. */
export async function readSamples(file: string): Promise<PromptCompletion[]> {
  const problems = new Problems()
  const samples = await readSampleFile('', file, problems)
  if (problems.list.length) throw new ConfigError(problems.list.slice(0, MAX_SHOWN).map(problemText).join('\n'))
  return samples.map(({ sample }) => sample)
}
