import type { TadaDocumentNode } from 'gql.tada'
import { ApiRefusal, UnavailableError } from '../errors.ts'
import { pause } from '../pause.ts'

export interface ApiAccess {
  url: string
  /** Sent as a bearer token. */
  apiKey?: string
  /** For how long a request is repeated while the API does not answer, in milliseconds. */
  patienceMs: number
  signal?: AbortSignal
}

/** Sends a query or a mutation. A mutation can be repeated, because it has an idempotency key. */
export type AskApi = <Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables?: Variables,
) => Promise<Result>

const REQUEST_TIMEOUT_MS = 60_000
const RETRY_MS = 250

/** @throws ApiRefusal with the code and the message of the API, UnavailableError when it does not answer for `patienceMs`. */
export const openApi =
  (access: ApiAccess): AskApi =>
  (document, variables) =>
    patiently(access, () => send(access, textOf(document), variables ?? {}))

/** Repeats a request while the API does not answer. */
export async function patiently<T>({ patienceMs, signal }: ApiAccess, request: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    try {
      return await request()
    } catch (error) {
      if (!(error instanceof UnavailableError) || Date.now() > deadline) throw error
      await pause(RETRY_MS, signal)
    }
  }
}

const textOf = ({ loc }: { loc?: { source: { body: string } } }): string => loc?.source.body ?? ''

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
  if (fault?.extensions?.code === 'INTERNAL') throw new UnavailableError(fault.message)
  if (fault) throw new ApiRefusal(fault.extensions?.code ?? 'REFUSED', fault.message)
  return answer.data as T
}

/** Reads JSON of the API. @throws UnavailableError when it does not answer, or answers something else. */
export async function fetchJson<T>({ url, signal }: ApiAccess, path: string, init: RequestInit = {}): Promise<T> {
  signal?.throwIfAborted()
  let response: Response
  try {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    response = await fetch(`${url}${path}`, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
  } catch (cause) {
    signal?.throwIfAborted()
    throw new UnavailableError(`The API at ${url} does not answer. Is the address right, and is it running?`, { cause })
  }
  try {
    return (await response.json()) as T
  } catch (cause) {
    throw new UnavailableError(
      `${url} answers with status ${response.status} and no JSON. Is it the address of a ModelCommons API?`,
      { cause },
    )
  }
}
