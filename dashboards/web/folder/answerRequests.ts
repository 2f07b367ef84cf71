import type { WorkerRequest } from './askWorker.ts'
import { setSlowPatterns } from './watchedMatch.ts'

/** In a worker: answers what `askWorker` sends. */
export function answerRequests<Request, Answer>(answer: (request: Request) => Promise<Answer>): void {
  self.onmessage = async ({ data }: MessageEvent<WorkerRequest<Request>>) => {
    setSlowPatterns(data.slow)
    try {
      self.postMessage({ answer: await answer(data.request) })
    } catch (error) {
      self.postMessage({ failed: (error as Error).message })
    }
  }
}
