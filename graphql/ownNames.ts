import { isIP } from 'node:net'

export interface NamedServer {
  /** Without keys, whoever reaches this server may use it: then the name by which it is called counts, too. */
  auth: 'open' | 'keys'
  /** Where the server listens. */
  host?: string
  /** Origins whose pages may use the API, or `*`; their names are names of this server, too. */
  corsOrigins?: readonly string[]
}

export const UNKNOWN_NAME =
  'The header Host has a name that is not this server’s. Use its IP address or localhost; its operator can name it in CORS_ORIGINS, or require keys (MODELCOMMONS_AUTH=keys).'

/** Tells whether the header `Host` of a request has a name of this server. A page in somebody's browser may let its own name stand for this machine's address (DNS
 *  rebinding): then its requests are of one origin with this server, and only the name tells. With keys, every name is right. */
export function ownNames({ auth, host = 'localhost', corsOrigins = [] }: NamedServer): (host?: string) => boolean {
  const names = new Set(['localhost', host, ...corsOrigins.map((origin) => parsedUrl(origin)?.hostname ?? '')])
  return (called) => {
    const hostname = parsedUrl(`http://${called}`)?.hostname
    if (hostname === undefined) return false
    return auth === 'keys' || names.has(hostname) || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
  }
}

export const parsedUrl = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)
