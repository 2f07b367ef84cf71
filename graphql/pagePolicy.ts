import type { RequestHandler } from 'express'
import type { Services } from './context.ts'

/** What a page of this server may load and send: only from and to this server, and a node of the chain where it names one. No page of another site may
 *  frame it, so that nobody is made to click on an act unseen. Styles are set by script, which needs no exception. */
const policy = ({ nodeOrigin, wasm = false }: { nodeOrigin?: string; wasm?: boolean } = {}) =>
  [
    "default-src 'none'",
    `script-src 'self'${wasm ? " 'wasm-unsafe-eval'" : ''}`,
    "style-src 'self'",
    "font-src 'self' data:",
    "img-src 'self' data:",
    `connect-src ${["'self'", nodeOrigin].filter(Boolean).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const headersOf = (contentPolicy: string) => ({
  'content-security-policy': contentPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
})

/** The headers of GraphiQL, which asks this server alone. */
export const GRAPHIQL_HEADERS = headersOf(policy())

/** Sets the headers of the page. Its test wallet asks the public node of a chain on one's own machine. Proofs of rewards are verified by a hash in
 *  WebAssembly, which may be compiled (`wasm-unsafe-eval`); a text never becomes a script. */
export function pageHeaders({ deployment }: Pick<Services, 'deployment'>): RequestHandler {
  const nodeOrigin = deployment.nodeUrl ? new URL(deployment.nodeUrl).origin : undefined
  const headers = headersOf(policy({ nodeOrigin, wasm: true }))
  return (_request, response, next) => {
    response.set(headers)
    next()
  }
}
