import { ConfigError } from '#config'
import { checkSampleFile, type SampleFileOptions } from '#model/checkSampleFile.ts'
import { diskFolder } from '#model/diskFolder.ts'
import { problemText } from '#model/problems.ts'
import type { PromptCompletion } from '#rules/sample.ts'

const MAX_SHOWN = 20

/** Reads samples from a file. What the scorer would reject is wrong: it would be public, and its stake lost.
 *  @returns those that stand in the file for the first time, and how many others there are.
 *  @throws ConfigError that names every line that is wrong, and why. */
export async function readSamples(
  file: string,
  options: SampleFileOptions,
): Promise<{ samples: PromptCompletion[]; copies: number }> {
  const { samples, copies, problems } = await checkSampleFile(diskFolder(''), file, options)
  const more = problems.length - MAX_SHOWN
  if (problems.length)
    throw new ConfigError(
      [...problems.slice(0, MAX_SHOWN).map(problemText), ...(more > 0 ? [`and ${more} more.`] : [])].join('\n'),
    )
  return { samples, copies }
}
