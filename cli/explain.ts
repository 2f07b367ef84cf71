import { ClientError, UnavailableError } from '#client/errors.ts'
import { isDatabaseFull } from '#schema/errors.ts'
import { redactCredentials } from '#schema/redact.ts'
import { INTERRUPTED_CODE, Interrupted } from './interruption.ts'

/** Prints the messages of an error and its causes, and the stack if LOG_LEVEL is `debug` or `trace`. @returns the exit code. */
export function explain(error: unknown): number {
  if (error instanceof Interrupted) return INTERRUPTED_CODE
  const lines: string[] = []
  const seen = new Set<unknown>()
  for (let cause: unknown = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause)
    const line = redactCredentials(messageOf(cause))
    if (!lines.some((known) => known.includes(line))) lines.push(line)
    if (tellsAll(cause)) break
  }
  console.error(lines.length ? lines.join('\n  because: ') : String(error))
  if (['debug', 'trace'].includes(process.env.LOG_LEVEL ?? '') && error instanceof Error) console.error(error.stack)
  return 1
}

/** The client has put what its cause says into words for people. */
const tellsAll = (error: Error) => error instanceof ClientError && !(error instanceof UnavailableError)

/** The message for a person: viem's long form repeats the request with the URL and its API key, and zod's is JSON. */
function messageOf(error: Error): string {
  const { shortMessage, issues } = error as { shortMessage?: unknown; issues?: unknown }
  if (typeof shortMessage === 'string') return shortMessage
  if (Array.isArray(issues)) return listIssues(issues)
  if (isDiskFull(error))
    return `The disk is full (${error.message}). Make room, or set MODELCOMMONS_HOME or DATABASE_URL.`
  return error.message
}

const isDiskFull = (error: Error) => (error as NodeJS.ErrnoException).code === 'ENOSPC' || isDatabaseFull(error)

/** What zod found wrong, as `place: message; place: message`. */
export const listIssues = (issues: readonly { path: PropertyKey[]; message: string }[]): string =>
  issues.map(({ path, message }) => (path.length ? `${path.join('.')}: ${message}` : message)).join('; ')
