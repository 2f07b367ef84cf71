/** Error classes say what to do next. A `catch` uses `instanceof`, never a class name or a message. Every error of ours
 *  that may pass between folders extends one of the two bases; all others (programming errors) extend neither. */

/** Trying the same again may succeed: a service is away or overloaded, or its data changed during a read. */
export class RetriableError extends Error {
  override name = 'RetriableError'
}

/** Trying the same again fails again until somebody changes the input or the configuration; the message says what to change. */
export class PermanentError extends Error {
  override name = 'PermanentError'
}

/** The index does not have a row yet that is on chain. */
export class IndexBehindError extends RetriableError {
  override name = 'IndexBehindError'
}

/** SQLSTATE: connection failures (08), a server that shuts down or starts (57P0x), too many clients, a full disk or memory (53), a failing
 *  disk (58), a server that became read-only, a transaction that was ended because it was idle for too long (25P03), serialisation failures
 *  and deadlocks. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const RETRIABLE_STATE = /^(08...|57P0.|53...|58...|25006|25P03|40001|40P01)$/

/** Node's codes of connections that could not be opened or were lost. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** `pg` gives these errors no code (pg 8: lib/client.js, pg-pool/index.js). */
const PG_CONNECTION_LOST =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired|Query read timeout)/

/** Whether trying again may help: a RetriableError, or an error of `pg` or of a socket that says that the connection is gone. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof RetriableError) return true
  if (!(error instanceof Error) || error instanceof PermanentError) return false
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return RETRIABLE_STATE.test(code) || CONNECTION_CODES.has(code)
  return PG_CONNECTION_LOST.test(error.message)
}

/** Whether PostgreSQL's disk is full, however deep that is in an error: it answers queries then, but stores nothing. */
export function isDatabaseFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as { code?: unknown }).code === '53100') return true
  return false
}

/** Node's codes of a resource of this host that is used up. https://man7.org/linux/man-pages/man3/errno.3.html */
const HOST_CODES: Record<string, 'disk' | 'memory'> = {
  ENOSPC: 'disk',
  EDQUOT: 'disk',
  EROFS: 'disk',
  EIO: 'disk',
  EFBIG: 'disk',
  ENOMEM: 'memory',
  EAGAIN: 'memory',
  EMFILE: 'memory',
  ENFILE: 'memory',
}

/** The resource of this host that was used up, when that is the cause of an error, however deep. */
export function hostFault(error: unknown): 'disk' | 'memory' | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown }
    if (typeof code === 'string' && HOST_CODES[code]) return HOST_CODES[code]
  }
  return undefined
}
