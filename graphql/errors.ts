import { randomUUID } from 'node:crypto'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { ArtifactError, ArtifactStoreError } from '#schema/artifacts.ts'
import { EnqueueError } from '#schema/enqueue.ts'
import { InputError } from '#schema/inputs.ts'

/** Every error that leaves the API: a code to act on, a message that says what to do, never a stack. */
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

/** PostgreSQL's complaints about a value that a client sent: bad text, out of range, bad encoding. */
const VALUE_FAULTS = /^22/

/** What a client is told of `error`. Faults of ours become `INTERNAL` with a reference under which `log` keeps the cause. */
export function toClientError(error: unknown, log: ErrorLog): { code: string; message: string } {
  if (error instanceof ApiError || error instanceof EnqueueError) return { code: error.code, message: error.message }
  if (error instanceof InputError) return { code: 'BAD_INPUT', message: error.message }
  if (error instanceof ArtifactError || error instanceof ArtifactStoreError)
    return { code: `ARTIFACT_${error.code.toUpperCase()}`, message: publicMessage(error) }
  const state = (error as { code?: unknown } | null)?.code
  if (typeof state === 'string' && VALUE_FAULTS.test(state) && 'severity' in (error as object))
    return { code: 'BAD_INPUT', message: `A value cannot be used: ${(error as Error).message}. Correct it.` }
  if (state === '57014')
    return { code: 'TOO_SLOW', message: 'The query took too long. Ask for less: a smaller `first`, fewer levels.' }
  if (error instanceof RangeError && error.message.includes('call stack'))
    return { code: 'TOO_COMPLEX', message: 'The query or its variables are nested too deeply. Nest less.' }
  const reference = randomUUID()
  log.error({ err: error, reference }, 'a request failed')
  return { code: 'INTERNAL', message: `Something failed on our side. Try again; if it stays, report ${reference}.` }
}

/** An artifact's error without the place where it was looked for, which is the operator's business. */
function publicMessage(error: ArtifactError | ArtifactStoreError): string {
  if (error.code === 'missing') return 'The artifact is not in the store. Check its name, or upload it.'
  if (error.code === 'corrupt') return 'The artifact in the store holds other bytes than its name says. Report it.'
  return 'The artifact store does not answer. Try again later.'
}

/** Shapes a GraphQL error for the wire. Errors of the request itself (syntax, validation, limits) keep their message. */
export function formatError(formatted: GraphQLFormattedError, error: unknown, log: ErrorLog): GraphQLFormattedError {
  const cause = error instanceof GraphQLError ? error.originalError : error
  const place = {
    ...(formatted.locations && { locations: formatted.locations }),
    ...(formatted.path && { path: formatted.path }),
  }
  const code = formatted.extensions?.code
  const ours = cause === undefined || cause === null || cause instanceof GraphQLError
  if (ours && (code === undefined || code !== 'INTERNAL_SERVER_ERROR'))
    return { message: formatted.message, ...place, extensions: { code: code ?? 'BAD_REQUEST' } }
  if (ours && error instanceof GraphQLError && !formatted.path)
    return { message: formatted.message, ...place, extensions: { code: 'BAD_REQUEST' } }
  const told = toClientError(cause ?? error, log)
  return { message: told.message, ...place, extensions: { code: told.code } }
}
