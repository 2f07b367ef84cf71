import type { TadaDocumentNode } from 'gql.tada'
import { ApiRefusal, UnavailableError } from '../errors.ts'
import { pause } from '../pause.ts'

/** How a request goes on that the API did not answer. */
export interface RequestRetry {
  /** How often it was sent so far. */
  tries: number
  /** For how long it is still repeated, in milliseconds. */
  leftMs: number
}

export interface ApiAccess {
  /** Of the API, or of several alike: when one does not answer, the next is asked. */
  urls: string[]
  /** Sent as a bearer token. */
  apiKey?: string
  /** For how long a request is repeated while the API does not answer, in milliseconds. */
  patienceMs: number
  /** Is told each time why a request is repeated, and for how long still. */
  onRetry?(error: UnavailableError, retry: RequestRetry): void
  signal?: AbortSignal
}

/** Sends a query or a mutation. A mutation can be repeated, because it has an idempotency key. */
export type AskApi = <Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables?: Variables,
) => Promise<Result>

/** Then the request is repeated: it may have been lost. */
const REQUEST_TIMEOUT_MS = 20_000
/** The codes of errors that say that the system, not the request, is at fault. */
const SYSTEM_FAULT = /^INTERNAL$|UNAVAILABLE$|UNREACHABLE$/
const RETRY_MS = 250

/** @throws ApiRefusal with the code and the message of the API, UnavailableError when it does not answer for `patienceMs`. */
export const openApi =
  (access: ApiAccess): AskApi =>
  (document, variables) =>
    patiently(access, () => send(access, documentText(document), variables ?? {}))

/** Repeats a request while the API does not answer. */
export async function patiently<T>(access: ApiAccess, request: () => Promise<T>): Promise<T> {
  const { patienceMs, onRetry, signal } = access
  const deadline = Date.now() + patienceMs
  for (let tries = 1; ; tries++) {
    try {
      return await request()
    } catch (error) {
      const leftMs = deadline - Date.now()
      if (!(error instanceof UnavailableError) || leftMs < 0) throw error
      onRetry?.(error, { tries, leftMs })
      access.urls.push(...access.urls.splice(0, 1))
      await pause(RETRY_MS, signal)
    }
  }
}

/** The text of a document. */
export const documentText = ({ loc }: { loc?: { source: { body: string } } }): string => loc?.source.body ?? ''

interface GraphQLAnswer {
  data?: unknown
  errors?: { message: string; extensions?: { code?: string } }[]
}

async function send<T>(access: ApiAccess, query: string, variables: unknown): Promise<T> {
  const answer = await fetchJson<GraphQLAnswer>(access, '/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(access.apiKey && { authorization: `Bearer ${access.apiKey}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  const [fault] = answer.errors ?? []
  if (!fault) return answer.data as T
  const { code = 'REFUSED' } = fault.extensions ?? {}
  if (SYSTEM_FAULT.test(code)) throw new UnavailableError(fault.message)
  throw new ApiRefusal(code, fault.message)
}

/** Sends a request other than GraphQL that may be repeated. */
export type RequestApi = (path: string, init?: RequestInit) => Promise<Response>

/** @throws ApiRefusal with the code and the message of the API, UnavailableError when it does not answer for `patienceMs`. */
export const openRequests =
  (access: ApiAccess): RequestApi =>
  (path, init = {}) =>
    patiently(access, async () => {
      const authorization = access.apiKey && { authorization: `Bearer ${access.apiKey}` }
      const response = await fetchAnswer(access, path, { ...init, headers: { ...authorization, ...init.headers } })
      if (response.ok || response.status === 404) return response
      const [fault] = ((await response.json().catch(() => ({}))) as GraphQLAnswer).errors ?? []
      const { code = `HTTP_${response.status}` } = fault?.extensions ?? {}
      const message = fault?.message ?? `${path} was answered with status ${response.status}.`
      if (response.status >= 500) throw new UnavailableError(message)
      throw new ApiRefusal(code, message)
    })

/** Reads JSON of the API. @throws UnavailableError when it does not answer, or answers something else. */
export async function fetchJson<T>(access: ApiAccess, path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetchAnswer(access, path, init)
  try {
    return (await response.json()) as T
  } catch (cause) {
    throw new UnavailableError(
      `${access.urls[0]} answers with status ${response.status} and no JSON. Is it the address of a ModelCommons API?`,
      { cause },
    )
  }
}

async function fetchAnswer({ urls: [url], signal }: ApiAccess, path: string, init: RequestInit): Promise<Response> {
  signal?.throwIfAborted()
  try {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    return await fetch(`${url}${path}`, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
  } catch (cause) {
    signal?.throwIfAborted()
    throw new UnavailableError(`The API at ${url} does not answer. Is the address right, and is it running?`, { cause })
  }
}
