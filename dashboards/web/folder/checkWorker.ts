import { formatEther } from 'viem'
import { BASE_FILES, nameBase } from '#model/baseFiles.ts'
import { checkFiles, type ModelFolder } from '#model/checkFiles.ts'
import { type Problems, WHOLE_FILE } from '#model/problems.ts'
import { type ProposedBase, prepareProposal, storedBase } from '#model/proposePrepared.ts'
import { FILES, type FolderParts } from '#model/readFolder.ts'
import { answerRequests } from './answerRequests.ts'
import type { CheckAnswer, CheckRequest } from './checkRequest.ts'
import { type ChosenFile, chosenFolder } from './chosenFiles.ts'

/** Checks a folder beside the page, so that nothing that a folder has can hold the page. */

answerRequests<CheckRequest, CheckAnswer>(check)

async function check({ folder: chosen, base, now, minBond }: CheckRequest): Promise<CheckAnswer> {
  let outsideBase: string | undefined
  let baseFiles: readonly ChosenFile[] = []
  const checkBase = async (parts: FolderParts, problems: Problems) => {
    checkBond(parts, problems, minBond)
    const named = parts.model?.value.base?.folder
    if (named === undefined) return
    const inside = filesUnder(chosen, named)
    if (!inside) outsideBase = named
    baseFiles = inside ?? base
    if (baseFiles.length > 0) checkNeeded(baseFiles, parts, problems)
  }
  const { folder, problems, warnings } = await checkFiles(chosenFolder(chosen), { now: new Date(now), checkBase })
  const isMissing = outsideBase !== undefined && base.length === 0
  if (!folder || problems.length > 0 || isMissing) return { problems, warnings, outsideBase }
  return { problems, warnings, outsideBase, found: await proposalOf(folder, baseFiles) }
}

async function proposalOf(folder: ModelFolder, baseFiles: readonly ChosenFile[]) {
  const { name, purpose, licence, mandate } = folder.model
  const base = storedBase(folder.model) ?? (await nameBase(chosenFolder(baseFiles)))
  const proposal = prepareProposal(folder, base)
  const { deadline } = mandate
  return { name, purpose, licence, deadline, proposal: { ...proposal, base: withoutFiles(base) }, baseFiles }
}

const withoutFiles = (base: ProposedBase): ProposedBase =>
  'parts' in base ? ({ ...base, files: undefined } as unknown as ProposedBase) : base

/** The files of a sub-folder; undefined when the folder has none such, or the name leads out of it. */
function filesUnder(chosen: readonly ChosenFile[], named: string): ChosenFile[] | undefined {
  const prefix = `${named.replace(/^(\.\/)+/, '').replace(/\/+$/, '')}/`
  const under = chosen.flatMap(([name, file]): ChosenFile[] =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), file]] : [],
  )
  return under.length > 0 ? under : undefined
}

function checkBond({ model }: FolderParts, problems: Problems, minBond: bigint): void {
  const { bond } = model?.value.mandate ?? {}
  if (bond === undefined || bond >= minBond) return
  problems.add(
    FILES.model,
    model?.placeOf(['mandate', 'bond']) ?? WHOLE_FILE,
    `mandate.bond is ${formatEther(bond)} gOPEN, and the contract takes no less than ${formatEther(minBond)}. Raise it, or leave it out.`,
  )
}

/** Whether the engine computes the model exactly is not looked at here. */
function checkNeeded(base: readonly ChosenFile[], { model }: FolderParts, problems: Problems): void {
  const names = base.map(([name]) => name)
  for (const [what, pattern] of Object.entries(BASE_FILES))
    if (!names.some((name) => pattern.test(name)))
      problems.add(
        FILES.model,
        model?.placeOf(['base', 'folder']) ?? WHOLE_FILE,
        `base.folder: the chosen folder has no ${what}. Choose the Hugging Face folder of the base model.`,
      )
}
