import type { IncomingHttpHeaders } from 'node:http'
import type { AuthInfo, ServerContext } from '@modelcontextprotocol/server'
import type { Caller } from '#graphql/access.ts'

/** Who sends a message: it is identified with each HTTP request, so that a key that is revoked ends its sessions, too. */
export interface Sender {
  caller: Caller
  headers: IncomingHttpHeaders
}

/** As the SDK passes it on. The key itself stays behind. */
export const authInfoOf = (sender: Sender): AuthInfo => ({
  token: '',
  clientId: ownerOf(sender),
  scopes: [],
  extra: { ...sender },
})

/** Whose a session is. */
const ownerOf = ({ caller }: Sender): string => ('id' in caller ? caller.id : caller.kind)

/** @throws Error when a message did not come by this server's own route. */
export function senderIn({ http }: Pick<ServerContext, 'http'>): Sender {
  const sender = http?.authInfo?.extra
  if (!sender) throw new Error('A message of MCP has no sender.')
  return sender as unknown as Sender
}
