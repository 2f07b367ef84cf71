/** What is wrong with a body that Express could not read; undefined for any other error. `expected` says what to send. */
export function bodyError(
  error: unknown,
  expected: string,
): { status: number; code: 'REQUEST_TOO_LARGE' | 'BAD_REQUEST'; message: string } | undefined {
  const { type, status = 400, limit } = (error ?? {}) as { type?: unknown; status?: number; limit?: number } // of body-parser
  if (typeof type !== 'string') return undefined
  if (type === 'entity.too.large')
    return { status: 413, code: 'REQUEST_TOO_LARGE', message: `A request has at most ${limit} bytes. Send less.` }
  const reason = type === 'entity.parse.failed' ? 'The body is not JSON.' : 'The request cannot be read.'
  return { status, code: 'BAD_REQUEST', message: `${reason} ${expected}` }
}
