/** What an error of an S3 request says: the service answered that there is no such object (`notFound`: by the status alone, which a proxy or a
 *  bucket that is gone may give, too), it answered that the credentials may not read it, or it gave no answer that says anything about
 *  the object. */
export type S3Answer = 'missing' | 'notFound' | 'denied' | 'none'

/** The answer to HEAD has no body, and so only a status. Other codes with 403, such as InvalidAccessKeyId, are faults of the configuration. */
const UNNAMED = ['Unknown', 'UnknownError']
const DENIED = ['AccessDenied', 'Forbidden', '403', ...UNNAMED]

export function answerOf(error: unknown): S3Answer {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  if (name === 'NoSuchKey') return 'missing'
  if (name === 'NotFound') return 'notFound'
  if ($metadata?.httpStatusCode === 403 && (name === undefined || DENIED.includes(name))) return 'denied'
  return 'none'
}

/** The error as the service named it, or the status of an answer that names none, such as a proxy's. */
export function failureText(error: unknown): string {
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  return status && [name, message].some((text) => UNNAMED.includes(text)) ? `HTTP ${status}` : `${name}: ${message}`
}

export interface RequestOptions {
  abortSignal?: AbortSignal
  requestTimeout: number
}

/** Sends a request, whose body has `bytes`, with the time-outs and the circuit breaker of the store. */
export type SendRequest = <T>(
  request: (options: RequestOptions) => Promise<T>,
  signal?: AbortSignal,
  bytes?: number,
) => Promise<T>
