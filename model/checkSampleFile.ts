import type { Hex } from 'viem'
import { contentHash, type PromptCompletion } from '#rules/sample.ts'
import type { SampleRequirements } from '#rules/sampleRequirements.ts'
import { screeningFindingText } from '#screening/findings.ts'
import { screenSample } from '#screening/screenSample.ts'
import { objectionsBy } from './checks/requirements.ts'
import { slowPattern } from './checks/slowPattern.ts'
import type { FolderFiles } from './folderFiles.ts'
import { type Problem, Problems, WHOLE_FILE } from './problems.ts'
import { readSampleFile, SAMPLE_FORMS, type SampleColumns } from './sampleFile.ts'

export interface SampleFileOptions {
  /** What the specification of the datanet's model requires; undefined when that cannot be read. */
  requirements?: SampleRequirements
  columns?: SampleColumns
}

export interface CheckedSampleFile {
  /** Each once. */
  samples: PromptCompletion[]
  /** How many were left out, because the same stands above. */
  copies: number
  problems: Problem[]
}

/** Reads a file of samples and looks for what the scorer would reject each of them for: its form, what the specification requires, secrets and personal data.
 *  Whether others gave the same, and what is too like something else, is not looked for. */
export async function checkSampleFile(
  files: FolderFiles,
  file: string,
  { requirements, columns }: SampleFileOptions,
): Promise<CheckedSampleFile> {
  const problems = new Problems()
  if ((await files.size(file)) === undefined) {
    problems.add(file, WHOLE_FILE, `is no file. ${SAMPLE_FORMS}`)
    return { samples: [], copies: 0, problems: problems.sorted }
  }
  const placed = await readSampleFile(files, file, problems, columns)
  let [current] = placed
  const tellSlow = () =>
    current && problems.add(file, current, `${slowPattern(current)} It is that of the model’s specification.`)
  const objections = objectionsBy(requirements ?? {}, tellSlow)
  const samples = new Map<Hex, PromptCompletion>()
  for (const one of placed) {
    current = one
    const { sample } = one
    samples.set(contentHash(sample), sample)
    for (const finding of screenSample(sample)) problems.add(file, one, screeningFindingText(finding))
    for (const { reason } of objections(sample)) problems.add(file, one, reason)
  }
  return { samples: [...samples.values()], copies: placed.length - samples.size, problems: problems.sorted }
}
