import { ClientError } from '#client/errors.ts'
import type { CheckAnswer, CheckRequest, FoundProposal } from './checkRequest.ts'
import { chosenFolder } from './chosenFiles.ts'

/** A base model of some gigabytes is read and hashed meanwhile. */
const MAX_MS = 600_000

/** Checks a folder in a worker of its own. @throws ClientError when that fails or does not end. */
export async function checkChosen(request: CheckRequest, signal: AbortSignal): Promise<CheckAnswer> {
  const worker = new Worker(new URL('./checkWorker.ts', import.meta.url), { type: 'module' })
  try {
    const answer = await new Promise<CheckAnswer>((resolve, reject) => {
      const fail = (message: string) => reject(new ClientError(message))
      worker.onmessage = ({ data }: MessageEvent<CheckAnswer>) => resolve(data)
      worker.onerror = ({ message }) =>
        fail(`The folder cannot be checked here: ${message}. Run \`modelcommons model check\` on it.`)
      signal.addEventListener('abort', () => fail('The check was stopped.'))
      setTimeout(
        () => fail('The check did not end within ten minutes. Does a pattern of the folder take so long?'),
        MAX_MS,
      )
      worker.postMessage(request)
    })
    return { ...answer, found: answer.found && withFiles(answer.found) }
  } finally {
    worker.terminate()
  }
}

/** The base model can be uploaded from its files. */
function withFiles({ proposal, baseFiles, ...found }: FoundProposal): FoundProposal {
  const base = 'parts' in proposal.base ? { ...proposal.base, files: chosenFolder(baseFiles) } : proposal.base
  return { ...found, proposal: { ...proposal, base }, baseFiles }
}
