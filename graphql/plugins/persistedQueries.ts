import { createHash } from 'node:crypto'
import type { RequestHandler } from 'express'
import { ApiError } from '../errors.ts'

/** Queries that the operator knows by the SHA-256 of their text, so that clients send the hash alone, and strangers nothing else. */
export interface PersistedQueries {
  /** By hash, 64 hex digits. */
  queries: ReadonlyMap<string, string>
  /** Whether every other query is refused. */
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
        `${hash} is not the SHA-256 of its query. Write the file anew from the queries.`,
      )
  return { queries: new Map(pairs), only }
}

/** Puts the registered query in the place of its hash, which comes as Apollo's clients send it (`extensions.persistedQuery.sha256Hash`) or as
 *  `documentId: "sha256:…"`. @throws ApiError for another query where only registered ones may be asked. */
export function resolvePersistedQuery({ queries, only }: PersistedQueries, body: Record<string, unknown>): void {
  const named = hashNamed(body)
  const query = typeof named === 'string' ? queries.get(named) : undefined
  if (query !== undefined && !body.query) {
    body.query = query
    const { persistedQuery: _, ...others } = extensionsOf(body) ?? {}
    body.extensions = others
  } else if (only && !(typeof body.query === 'string' && queries.has(hashQuery(body.query))))
    throw new ApiError(
      'NOT_REGISTERED',
      'Only registered queries may be asked here. Have this one registered by the operator.',
    )
}

const extensionsOf = ({ extensions }: Record<string, unknown>) =>
  extensions as { persistedQuery?: { sha256Hash?: unknown } } | null | undefined
const hashNamed = (body: Record<string, unknown>): unknown =>
  String(body.documentId ?? '').replace(/^sha256:/, '') || extensionsOf(body)?.persistedQuery?.sha256Hash

const NONE: PersistedQueries = { queries: new Map(), only: false }

/** The same for what comes over a socket, where clients register nothing themselves. @throws ApiError for a hash that is not known. */
export function resolvePersistedQueryOnSocket(register: PersistedQueries = NONE, body: Record<string, unknown>): void {
  resolvePersistedQuery(register, body)
  if (!body.query && hashNamed(body))
    throw new ApiError(
      'PERSISTED_QUERY_NOT_FOUND',
      'No query with this hash is registered. Send the text of the query.',
    )
}

/** The same for requests over HTTP, in whichever place they carry what they ask. */
export const persistedQueries =
  (register: PersistedQueries): RequestHandler =>
  (request, response, next) => {
    try {
      if (request.method === 'GET') {
        const url = new URL(request.originalUrl, 'http://localhost')
        const given: Record<string, unknown> = Object.fromEntries(url.searchParams)
        if (typeof given.extensions === 'string') given.extensions = JSON.parse(given.extensions)
        resolvePersistedQuery(register, given)
        if (typeof given.query === 'string') url.searchParams.set('query', given.query)
        if (given.extensions !== undefined) url.searchParams.set('extensions', JSON.stringify(given.extensions))
        request.url = request.url.replace(/(\?.*)?$/, url.search)
        request.originalUrl = url.pathname + url.search
      } else resolvePersistedQuery(register, request.body)
      next()
    } catch (error) {
      const told =
        error instanceof ApiError
          ? error
          : new ApiError('BAD_REQUEST', 'extensions is not JSON. Send it as Apollo’s clients do.')
      response.status(400).json({ errors: [{ message: told.message, extensions: { code: told.code } }] })
    }
  }
