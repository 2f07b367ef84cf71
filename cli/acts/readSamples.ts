import { ConfigError } from '#config'
import { diskFolder } from '#model/diskFolder.ts'
import { Problems, problemText } from '#model/problems.ts'
import { readSampleFile } from '#model/sampleFile.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import { screeningFindingText } from '#screening/findings.ts'
import { screenSample } from '#screening/screenSample.ts'

const MAX_SHOWN = 20

/** Reads samples from a file: JSON Lines, or CSV or Parquet with the columns `prompt` and `completion`. Samples with secrets or personal data are wrong, too:
 *  the scorer would reject them, when they are public already.
 *  @throws ConfigError that names every line that is wrong, and why. */
export async function readSamples(file: string): Promise<PromptCompletion[]> {
  const problems = new Problems()
  const samples = await readSampleFile(diskFolder(''), file, problems)
  for (const place of samples)
    for (const finding of screenSample(place.sample)) problems.add(file, place, screeningFindingText(finding))
  if (problems.list.length) throw new ConfigError(problems.sorted.slice(0, MAX_SHOWN).map(problemText).join('\n'))
  return samples.map(({ sample }) => sample)
}
