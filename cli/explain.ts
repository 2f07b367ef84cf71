import { redactCredentials } from '#schema/redact.ts'

/** Prints the messages of an error and its causes, and the stack if LOG_LEVEL is `debug` or `trace`. @returns the exit code. */
export function explain(error: unknown): number {
  const lines: string[] = []
  const seen = new Set<unknown>()
  for (let cause: unknown = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause)
    const { shortMessage, message } = cause as Error & { shortMessage?: string } // viem's messages carry the whole request
    const line = redactCredentials(shortMessage ?? message)
    if (!lines.some((known) => known.includes(line))) lines.push(line)
  }
  console.error(lines.length ? lines.join('\n  because: ') : String(error))
  if (['debug', 'trace'].includes(process.env.LOG_LEVEL ?? '') && error instanceof Error) console.error(error.stack)
  return 1
}
