/** Prints the messages of an error and its causes, and the stack if LOG_LEVEL is `debug` or `trace`. @returns the exit code. */
export function explain(error: unknown): number {
  const lines: string[] = []
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (!lines.some((line) => line.includes((cause as Error).message))) lines.push(cause.message)
  console.error(lines.length ? lines.join('\n  because: ') : String(error))
  if (['debug', 'trace'].includes(process.env.LOG_LEVEL ?? '') && error instanceof Error) console.error(error.stack)
  return 1
}
