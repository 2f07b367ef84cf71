import { checkDuplicates, checkSeedData } from './checks/duplicates.ts'
import { checkPolicy } from './checks/policy.ts'
import { checkScorers } from './checks/scorers.ts'
import { checkSizes } from './checks/sizes.ts'
import { checkProposedTerms } from './checks/terms.ts'
import type { FolderFiles } from './folderFiles.ts'
import type { ModelYaml, Scorers } from './format.ts'
import { byPlace, type Problem, Problems } from './problems.ts'
import { type FolderParts, readFolder, type SealedSet } from './readFolder.ts'

/** A model folder whose files have the right form. */
export interface ModelFolder extends Omit<FolderParts, 'model' | 'scorers' | 'test' | 'validation' | 'gold'> {
  model: ModelYaml
  scorers: Scorers
  test: Required<SealedSet>
  validation: Required<SealedSet>
  gold?: Required<SealedSet>
  card: string
}

export interface CheckedFolder {
  /** There when all of its files have the right form, whatever else is wrong. */
  folder?: ModelFolder
  problems: Problem[]
  /** What is no mistake, but hardly meant: it may be proposed. */
  warnings: Problem[]
}

export interface CheckOptions {
  /** When deadlines are over. Default: the clock of this machine. */
  now?: Date
  /** Looks at the base model, where there is an engine that can. */
  checkBase?(parts: FolderParts, problems: Problems): Promise<void>
}

/** Reads a folder and looks for every mistake. */
export async function checkFiles(
  files: FolderFiles,
  { now = new Date(), checkBase }: CheckOptions = {},
): Promise<CheckedFolder> {
  const problems = new Problems()
  const parts = await readFolder(files, problems)
  const complete = problems.list.length === 0
  checkProposedTerms(parts, problems, now)
  checkPolicy(parts, problems)
  checkScorers(parts, problems)
  checkDuplicates(parts, problems)
  checkSeedData(parts, problems)
  checkSizes(parts, problems)
  await checkBase?.(parts, problems)
  const folder = { ...parts, model: parts.model?.value, scorers: parts.scorers?.value } as ModelFolder
  return { ...(complete && { folder }), problems: problems.sorted, warnings: byPlace(problems.warnings) }
}
