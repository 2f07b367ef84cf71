import { isIP } from 'node:net'
import type { RequestHandler } from 'express'
import { GatewayError } from './errors.ts'

/** Pages of other sites in somebody's browser. A page may let its own name stand for this machine's address (DNS rebinding): then its requests are of
 *  one origin with this server, and only the name tells. */

interface HostOptions {
  /** Without keys, whoever reaches this server may use it: then the name by which it is called counts, too. */
  auth: 'open' | 'keys'
  /** Where the server listens. */
  host?: string
  /** Origins whose pages may use the API, or `*`; their names are names of this server, too. */
  corsOrigins?: readonly string[]
}

/** @throws GatewayError 403 for a name that is not this server's, or for a page of another origin. */
export function requireKnownHost({ auth, host = 'localhost', corsOrigins = [] }: HostOptions): RequestHandler {
  const names = new Set(['localhost', host, ...corsOrigins.map((origin) => parsed(origin)?.hostname ?? '')])
  const isKnown = (called: URL) => names.has(called.hostname) || isIP(called.hostname.replace(/^\[|\]$/g, '')) !== 0
  return (request, _response, next) => {
    const called = parsed(`http://${request.headers.host}`)
    if (!called || (auth === 'open' && !isKnown(called)))
      throw new GatewayError(
        403,
        'The header Host has a name that is not this server’s. Use its IP address or localhost; its operator can name it in CORS_ORIGINS, or require keys (MODELCOMMONS_AUTH=keys).',
        { type: 'insufficient_permissions', code: 'unknown_host' },
      )
    const { origin } = request.headers
    if (origin !== undefined && !corsOrigins.some((one) => one === '*' || one === origin)) {
      if (parsed(origin)?.host !== called.host)
        throw new GatewayError(
          403,
          'A page of another origin may not use this server. Its operator can name that origin in CORS_ORIGINS.',
          { type: 'insufficient_permissions', code: 'unknown_origin' },
        )
    }
    next()
  }
}

const parsed = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)
