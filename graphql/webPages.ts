import { join } from 'node:path'
import compression from 'compression'
import express, { type RequestHandler, type Response, Router } from 'express'

/** What the pages may load and send: scripts and styles only from this server, requests also to the nodes of wallets. No other site may frame them,
 *  since people sign from them. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  'connect-src *',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Serves the built page of `folder`, compressed: files with a hash in their name may be kept for a year, everything else is asked for again. A browser that
 *  opens another path gets the page, which knows the rest of the path. */
export function serveWebPages(folder: string): RequestHandler {
  const router = Router()
  router.use(compression())
  router.use('/assets', express.static(join(folder, 'assets'), { immutable: true, maxAge: '1y', fallthrough: false }))
  router.use(express.static(folder, { index: false, setHeaders: protect }))
  router.get('/{*path}', (request, response, next) => {
    if (request.accepts(['json', 'html']) !== 'html') return next()
    protect(response)
    response.sendFile('index.html', { root: folder })
  })
  return router
}

/** GraphiQL has a policy of its own. */
function protect(response: Response): void {
  if (response.hasHeader('content-security-policy')) return
  response.set({
    'cache-control': 'no-cache',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  })
}
