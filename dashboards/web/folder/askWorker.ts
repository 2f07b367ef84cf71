import { ClientError } from '#client/errors.ts'

/** What a worker tells before it compares a text with a pattern, and, with null, after it. */
export interface MatchingNote {
  matching: string | null
}

/** What a worker is sent. */
export interface WorkerRequest<Request> {
  request: Request
  /** The sources of patterns that take too long. */
  slow: readonly string[]
}

/** A base model of some gigabytes is read and hashed meanwhile. */
const MAX_MS = 600_000
/** More than the engine gives a comparison, because this machine may be busy. */
const MAX_MATCH_MS = 3_000

/** Has a request answered by a worker of its own, so that nothing in a stranger's files holds the page. One that compares a text with a pattern for too long is
 *  ended; another one begins that knows it.
 *  @throws ClientError when that fails or does not end. */
export async function askWorker<Request, Answer>(
  open: () => Worker,
  request: Request,
  signal: AbortSignal,
): Promise<Answer> {
  const stopped = AbortSignal.any([signal, AbortSignal.timeout(MAX_MS)])
  for (const slow: string[] = []; ; ) {
    const answer = await askOnce<Request, Answer>(open(), { request, slow }, stopped)
    if (!('tooSlow' in answer)) return answer.answer
    slow.push(answer.tooSlow)
  }
}

function askOnce<Request, Answer>(
  worker: Worker,
  request: WorkerRequest<Request>,
  stopped: AbortSignal,
): Promise<{ answer: Answer } | { tooSlow: string }> {
  let timer: ReturnType<typeof setTimeout> | undefined
  return new Promise<{ answer: Answer } | { tooSlow: string }>((resolve, reject) => {
    const stop = () => reject(new ClientError('The check was stopped, or did not end within ten minutes.'))
    if (stopped.aborted) stop()
    stopped.addEventListener('abort', stop, { once: true })
    worker.onmessage = ({ data }: MessageEvent<MatchingNote | { answer: Answer } | { failed: string }>) => {
      clearTimeout(timer)
      if ('answer' in data) resolve(data)
      else if ('failed' in data) reject(new ClientError(`This cannot be checked here: ${data.failed}`))
      else if (data.matching !== null) timer = setTimeout(resolve, MAX_MATCH_MS, { tooSlow: data.matching })
    }
    worker.onerror = ({ message }) =>
      reject(new ClientError(`This cannot be checked here: ${message || 'the worker did not start'}.`))
    worker.postMessage(request)
  }).finally(() => {
    clearTimeout(timer)
    worker.terminate()
  })
}
