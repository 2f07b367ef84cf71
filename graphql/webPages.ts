import { join } from 'node:path'
import compression from 'compression'
import express, { type RequestHandler, type Response, Router } from 'express'

/** Serves the built page of `folder`, compressed: files with a hash in their name may be kept for a year, everything else is asked for again. A browser that
 *  opens another path gets the page, which knows the rest of the path. */
export function serveWebPages(folder: string): RequestHandler {
  const router = Router()
  router.use(compression())
  router.use('/assets', express.static(join(folder, 'assets'), { immutable: true, maxAge: '1y', fallthrough: false }))
  router.use(express.static(folder, { index: false, setHeaders: askAgain }))
  router.get('/{*path}', (request, response, next) => {
    if (request.accepts(['json', 'html']) !== 'html') return next()
    askAgain(response)
    response.sendFile('index.html', { root: folder })
  })
  return router
}

/** What has no hash in its name changes with a release. */
const askAgain = (response: Response): void => void response.set('cache-control', 'no-cache')
