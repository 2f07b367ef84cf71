/** An answer that could not be had: the API cannot be reached, or it refused and says why. */
export class AskError extends Error {
  constructor(
    readonly kind: 'unreachable' | 'refused',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

const PATIENCE_MS = 15_000

/** Asks the API one GraphQL document. @throws AskError */
export async function ask<Answer>(query: string, variables?: object): Promise<Answer> {
  let response: Response
  let body: { data?: Answer; errors?: { message: string }[] }
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    body = await response.json()
  } catch (cause) {
    throw new AskError('unreachable', 'The API does not answer. Is `npm start` still running?', { cause })
  }
  const [fault] = body.errors ?? []
  if (fault) throw new AskError('refused', fault.message)
  if (!body.data) throw new AskError('refused', `The API answered ${response.status} without data.`)
  return body.data
}
