import { createHash } from 'node:crypto'
import type { RequestHandler } from 'express'
import { ApiError } from '../errors.ts'

/** Queries that the operator registered by the SHA-256 of their text. Clients may send only the hash; the operator may allow no other queries. */
export interface PersistedQueries {
  /** The query text by hash (64 hex digits). */
  queries: ReadonlyMap<string, string>
  /** Whether all other queries are rejected. */
  only: boolean
}

export const hashQuery = (query: string) => createHash('sha256').update(query).digest('hex')

/** Reads a file of queries: an object from hash to query, or a manifest in Apollo's form (`{operations: [{id, body}]}`).
 *  @throws ApiError naming the entry whose hash is not that of its text. */
export function readPersistedQueries(text: string, only: boolean): PersistedQueries {
  const given = JSON.parse(text) as { operations?: { id: string; body: string }[] } & Record<string, string>
  const pairs = Array.isArray(given.operations)
    ? given.operations.map(({ id, body }) => [id, body] as const)
    : Object.entries(given as Record<string, string>)
  for (const [hash, query] of pairs)
    if (typeof query !== 'string' || hashQuery(query) !== hash)
      throw new ApiError(
        'BAD_REGISTER',
        `${hash} is not the SHA-256 of its query. Generate the file again from the queries.`,
      )
  return { queries: new Map(pairs), only }
}

/** Replaces the hash in `body` by the registered query. The hash is in `extensions.persistedQuery.sha256Hash` (Apollo) or in
 *  `documentId: "sha256:…"`. @throws ApiError for another query when only registered queries are allowed. */
export function resolvePersistedQuery({ queries, only }: PersistedQueries, body: Record<string, unknown>): void {
  const hash = hashIn(body)
  const query = typeof hash === 'string' ? queries.get(hash) : undefined
  if (query !== undefined && !body.query) {
    body.query = query
    const { persistedQuery: _, ...others } = extensionsOf(body) ?? {}
    body.extensions = others
  } else if (only && !(typeof body.query === 'string' && queries.has(hashQuery(body.query))))
    throw new ApiError(
      'NOT_REGISTERED',
      'Only registered queries are allowed here. Ask the operator to register this one.',
    )
}

const extensionsOf = ({ extensions }: Record<string, unknown>) =>
  extensions as { persistedQuery?: { sha256Hash?: unknown } } | null | undefined
const hashIn = (body: Record<string, unknown>): unknown =>
  String(body.documentId ?? '').replace(/^sha256:/, '') || extensionsOf(body)?.persistedQuery?.sha256Hash

const NONE: PersistedQueries = { queries: new Map(), only: false }

/** As `resolvePersistedQuery`, for a request over WebSocket, where clients cannot register queries.
 *  @throws ApiError also for an unknown hash. */
export function resolvePersistedQueryOnSocket(known: PersistedQueries = NONE, body: Record<string, unknown>): void {
  resolvePersistedQuery(known, body)
  if (!body.query && hashIn(body))
    throw new ApiError(
      'PERSISTED_QUERY_NOT_FOUND',
      'No query with this hash is registered. Send the text of the query.',
    )
}

/** Resolves persisted queries of HTTP requests, in the URL of a GET or the body of a POST. */
export const persistedQueries =
  (known: PersistedQueries): RequestHandler =>
  (request, response, next) => {
    try {
      if (request.method === 'GET') {
        const url = new URL(request.originalUrl, 'http://localhost')
        const given: Record<string, unknown> = Object.fromEntries(url.searchParams)
        if (typeof given.extensions === 'string') given.extensions = JSON.parse(given.extensions)
        resolvePersistedQuery(known, given)
        if (typeof given.query === 'string') url.searchParams.set('query', given.query)
        if (given.extensions !== undefined) url.searchParams.set('extensions', JSON.stringify(given.extensions))
        request.url = request.url.replace(/(\?.*)?$/, url.search)
        request.originalUrl = url.pathname + url.search
      } else resolvePersistedQuery(known, request.body)
      next()
    } catch (error) {
      const apiError =
        error instanceof ApiError
          ? error
          : new ApiError('BAD_REQUEST', 'extensions is not JSON. Send it as Apollo’s clients do.')
      response.status(400).json({ errors: [{ message: apiError.message, extensions: { code: apiError.code } }] })
    }
  }
