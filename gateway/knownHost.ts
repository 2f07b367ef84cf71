import type { RequestHandler } from 'express'
import { type NamedServer, ownNames, parsedUrl, UNKNOWN_NAME } from '#graphql/ownNames.ts'
import { GatewayError } from './errors.ts'

/** @throws GatewayError 403 for a name that is not this server's, or for a page of another origin. */
export function requireKnownHost(server: NamedServer): RequestHandler {
  const { corsOrigins = [] } = server
  const isOwn = ownNames(server)
  return ({ headers }, _response, next) => {
    if (!isOwn(headers.host))
      throw new GatewayError(403, UNKNOWN_NAME, { type: 'insufficient_permissions', code: 'unknown_host' })
    const { origin, host } = headers
    if (origin !== undefined && !corsOrigins.some((one) => one === '*' || one === origin)) {
      if (parsedUrl(origin)?.host !== parsedUrl(`http://${host}`)?.host)
        throw new GatewayError(
          403,
          'A page of another origin may not use this server. Its operator can name that origin in CORS_ORIGINS.',
          { type: 'insufficient_permissions', code: 'unknown_origin' },
        )
    }
    next()
  }
}
