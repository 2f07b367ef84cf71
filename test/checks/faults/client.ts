import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient } from '#example/story/apiClient.ts'

/** How long a client waits for one answer before it asks another API. */
const ANSWER_TIMEOUT_MS = 8_000
/** How long a client repeats a request in total. */
const PATIENCE_MS = 240_000
const RETRY_MS = 300
/** The codes of answers that say that the system, not the request, is at fault. */
const RETRIED = /^(INTERNAL|UNAVAILABLE|.*_UNAVAILABLE|.*_UNREACHABLE)$/

/** A client of several APIs: it repeats a request that got no answer, or an answer about a fault of the system, at the next API. A repeated
 *  mutation has the same idempotency key. */
export class FailoverClient extends ApiClient {
  /** Requests that were answered, and requests that had to be repeated. */
  readonly counts = { answered: 0, repeated: 0 }
  private next = 0

  constructor(
    private readonly urls: readonly string[],
    private readonly over: AbortSignal,
  ) {
    super(urls[0] ?? '', over)
  }

  override async query<T = Record<string, unknown>>(query: string, variables: Record<string, unknown> = {}) {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      this.over.throwIfAborted()
      const fault = await this.ask<T>(query, variables).catch((error: Error) => {
        if (error instanceof RefusedRequestError) throw error
        return { failed: error.message }
      })
      if ('data' in fault) {
        this.counts.answered++
        return fault.data
      }
      if (performance.now() > deadline) throw new Error(`The system does not answer: ${fault.failed}`)
      this.counts.repeated++
      this.next++
      await sleep(RETRY_MS, undefined, { signal: this.over })
    }
  }

  private async ask<T>(query: string, variables: object): Promise<{ data: T } | { failed: string }> {
    const url = `${this.urls[this.next % this.urls.length]}/graphql`
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.any([AbortSignal.timeout(ANSWER_TIMEOUT_MS), this.over]),
    })
    const answer = (await response.json()) as {
      data?: T
      errors?: { message: string; extensions?: { code?: string } }[]
    }
    const [error] = answer.errors ?? []
    if (!error) return { data: answer.data as T }
    const code = error.extensions?.code ?? ''
    if (RETRIED.test(code)) return { failed: error.message }
    throw new RefusedRequestError(`${code}: ${error.message}`)
  }
}

/** The API answered that the request is wrong. */
class RefusedRequestError extends Error {
  override name = 'RefusedRequestError'
}
