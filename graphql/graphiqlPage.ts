import type { RequestHandler } from 'express'

/** What GraphiQL may load and send: only from and to this server. Its editor sets styles by script, which needs no exception. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Answers a browser that opens `/graphql` with GraphiQL, which is a part of the built page; programs get Apollo's answer. */
export function serveGraphiql(web: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (request.method !== 'GET' || request.accepts(['json', 'html']) !== 'html') return next()
    response.set({
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      vary: 'accept',
    })
    const { url } = request
    request.url = '/graphiql.html'
    web(request, response, (error?: unknown) => {
      request.url = url
      response.removeHeader('content-security-policy')
      next(error)
    })
  }
}
