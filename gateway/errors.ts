import { bodyError } from '#graphql/bodyError.ts'
import { RateLimited } from '#graphql/commands/keyRate.ts'
import { type ErrorLog, toClientError } from '#graphql/errors.ts'

/** Errors in the form of OpenAI's API: a status, and an object with `message`, `type`, `param` and `code`. */

export interface ErrorBody {
  error: { message: string; type: ErrorType; param: string | null; code: string | null }
}

type ErrorType =
  | 'invalid_request_error'
  | 'insufficient_quota'
  | 'insufficient_permissions'
  | 'rate_limit_error'
  | 'server_error'

/** An error that this gateway itself raises. */
export class GatewayError extends Error {
  override name = 'GatewayError'
  constructor(
    readonly status: number,
    message: string,
    readonly of: { type?: ErrorType; code?: string; param?: string; headers?: Record<string, string> } = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

export const badRequest = (message: string, param?: string, code?: string): GatewayError =>
  new GatewayError(400, message, { param, code })

/** A job has ended without an answer: its code, and what to do. */
export class FailedCall extends Error {
  override name = 'FailedCall'
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

interface Meaning {
  status: number
  type: ErrorType
  code: string | null
  retryAfterSeconds?: number
}

const INVALID: Meaning = { status: 400, type: 'invalid_request_error', code: null }
const QUOTA: Meaning = { status: 402, type: 'insufficient_quota', code: 'insufficient_quota' }
const NO_MODEL: Meaning = { status: 404, type: 'invalid_request_error', code: 'model_not_found' }

/** What a code of the API, or of a job's error, is here. Any other is `server_error`. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  UNAUTHENTICATED: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
  CALLER_NOT_LISTED: { status: 403, type: 'insufficient_permissions', code: 'caller_not_listed' },
  FORBIDDEN: { status: 403, type: 'insufficient_permissions', code: 'forbidden' },
  BAD_INPUT: INVALID,
  BAD_REQUEST: INVALID,
  TOO_COMPLEX: INVALID,
  BAD_IDEMPOTENCY_KEY: INVALID,
  OTHER_CHANNEL: INVALID,
  BAD_SIGNATURE: INVALID,
  WRONG_SIGNER: INVALID,
  WRONG_CHAIN: INVALID,
  IDEMPOTENCY_KEY_REUSED: { status: 422, type: 'invalid_request_error', code: 'idempotency_key_reused' },
  NO_CHANNEL: QUOTA,
  UNKNOWN_CHANNEL: QUOTA,
  NO_VOUCHER: QUOTA,
  VOUCHER_TOO_SMALL: QUOTA,
  NOT_ENOUGH_CREDIT: QUOTA,
  NO_CREDIT_HELD: QUOTA,
  SPEND_CAP_REACHED: QUOTA,
  DATABASE_UNAVAILABLE: { status: 503, type: 'server_error', code: 'service_unavailable', retryAfterSeconds: 2 },
  RATE_LIMITED: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', retryAfterSeconds: 1 },
  TOO_MANY_CALLS: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', retryAfterSeconds: 1 },
  UNKNOWN_ENDPOINT: NO_MODEL,
  NOT_HOSTED_HERE: NO_MODEL,
  VERSION_ROLLED_BACK: NO_MODEL,
  VERSION_NOT_PROMOTED: NO_MODEL,
  NOT_PROMOTED: NO_MODEL,
  REQUEST_TOO_LARGE: { status: 413, type: 'invalid_request_error', code: 'request_too_large' },
  JOB_NOT_FOUND: { status: 404, type: 'invalid_request_error', code: 'not_found' },
  // Not 409, at which clients try again by themselves.
  CANCELLED: { status: 400, type: 'invalid_request_error', code: 'cancelled' },
}

const SERVER: Meaning = { status: 500, type: 'server_error', code: null }

/** The status, the body and the headers for an error of any kind. An unexpected one is logged under a reference that the message names. */
export function describeFailure(
  error: unknown,
  log: ErrorLog,
): { status: number; body: ErrorBody; headers: Record<string, string> } {
  if (error instanceof GatewayError) {
    const { type = 'invalid_request_error', code = null, param = null, headers = {} } = error.of
    return {
      status: error.status,
      body: { error: { message: error.message, type, param, code } },
      headers,
    }
  }
  const { code, message } =
    error instanceof FailedCall ? error : (bodyError(error, 'Send JSON in UTF-8.') ?? toClientError(error, log))
  const { status, retryAfterSeconds: usual, ...meaning } = MEANINGS[code] ?? SERVER
  const retryAfterSeconds = error instanceof RateLimited ? error.retryAfterSeconds : usual
  const shown = { ...meaning, code: meaning.code ?? code.toLowerCase() }
  return {
    status,
    body: { error: { message, param: null, ...shown } },
    headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  }
}
