import { randomUUID } from 'node:crypto'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { ArtifactError, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { EnqueueError } from '#schema/enqueue.ts'
import { isDatabaseFull, isRetriable } from '#schema/errors.ts'
import { InputError } from '#schema/inputs.ts'

/** An error for the client: a code to handle, and a message that says what to do. It never carries a stack. */
export class ApiError extends Error {
  override name = 'ApiError'
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

export interface ErrorLog {
  error(details: object, message: string): void
}

/** PostgreSQL's error class 22 (data exception): a value that a client sent has bad syntax, range or encoding. */
const DATA_EXCEPTION = /^22/

/** The code and message for the client. An unexpected error becomes `INTERNAL` with a reference; `log` gets the cause under it. */
export function toClientError(error: unknown, log: ErrorLog): { code: string; message: string } {
  if (error instanceof ApiError || error instanceof EnqueueError) return { code: error.code, message: error.message }
  if (error instanceof InputError) return { code: 'BAD_INPUT', message: error.message }
  if (error instanceof ArtifactError || error instanceof ArtifactStoreError)
    return { code: `ARTIFACT_${error.code.toUpperCase()}`, message: publicMessage(error) }
  const state = (error as { code?: unknown } | null)?.code
  if (typeof state === 'string' && DATA_EXCEPTION.test(state) && 'severity' in (error as object))
    return { code: 'BAD_INPUT', message: `A value is invalid: ${(error as Error).message}. Correct it.` }
  if (state === '57014')
    return { code: 'TOO_SLOW', message: 'The query took too long. Request less: a smaller `first`, or fewer levels.' }
  if (error instanceof RangeError && error.message.includes('call stack'))
    return { code: 'TOO_COMPLEX', message: 'The query or its variables are nested too deeply. Use fewer levels.' }
  const reference = randomUUID()
  log.error({ err: error, reference }, 'a request failed')
  if (isDatabaseFull(error))
    return {
      code: 'DATABASE_FULL',
      message: 'Nothing can be stored: the disk of the database is full. Its operator must make room; then try again.',
    }
  if (isRetriable(error))
    return {
      code: 'DATABASE_UNAVAILABLE',
      message: 'The database does not answer, or has more to do than it can. Try again in a few seconds.',
    }
  return { code: 'INTERNAL', message: `An internal error occurred. Try again; if it persists, report ${reference}.` }
}

/** The message of an artifact error without the store's location, which only the operator may know. */
function publicMessage(error: ArtifactError | ArtifactStoreError): string {
  if (error.code === 'missing') return 'The artifact is not in the store. Check its name, or upload it.'
  if (error.code === 'corrupt') return 'The content of the artifact does not match its name. Report it.'
  return 'The artifact store does not answer. Try again later.'
}

/** Formats a GraphQL error for the response. Errors of the request itself (syntax, validation, limits) keep their message. */
export function formatError(formatted: GraphQLFormattedError, error: unknown, log: ErrorLog): GraphQLFormattedError {
  const cause = error instanceof GraphQLError ? error.originalError : error
  const location = {
    ...(formatted.locations && { locations: formatted.locations }),
    ...(formatted.path && { path: formatted.path }),
  }
  const code = formatted.extensions?.code
  const isRequestError = cause === undefined || cause === null || cause instanceof GraphQLError
  if (isRequestError && (code === undefined || code !== 'INTERNAL_SERVER_ERROR'))
    return { message: formatted.message, ...location, extensions: { code: code ?? 'BAD_REQUEST' } }
  if (isRequestError && error instanceof GraphQLError && !formatted.path)
    return { message: formatted.message, ...location, extensions: { code: 'BAD_REQUEST' } }
  const clientError = toClientError(cause ?? error, log)
  return { message: clientError.message, ...location, extensions: { code: clientError.code } }
}
