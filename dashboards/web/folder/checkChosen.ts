import { askWorker } from './askWorker.ts'
import type { CheckAnswer, CheckRequest, FoundProposal } from './checkRequest.ts'
import { chosenFolder } from './chosenFiles.ts'

const openWorker = () => new Worker(new URL('./checkWorker.ts', import.meta.url), { type: 'module' })

/** Checks a folder in a worker. @throws ClientError when that fails or does not end. */
export async function checkChosen(request: CheckRequest, signal: AbortSignal): Promise<CheckAnswer> {
  const answer = await askWorker<CheckRequest, CheckAnswer>(openWorker, request, signal)
  return { ...answer, found: answer.found && withFiles(answer.found) }
}

/** The base model can be uploaded from its files. */
function withFiles({ proposal, baseFiles, ...found }: FoundProposal): FoundProposal {
  const base = 'parts' in proposal.base ? { ...proposal.base, files: chosenFolder(baseFiles) } : proposal.base
  return { ...found, proposal: { ...proposal, base }, baseFiles }
}
