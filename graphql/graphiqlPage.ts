import type { RequestHandler } from 'express'
import { GRAPHIQL_HEADERS } from './pagePolicy.ts'

/** Answers a browser that opens `/graphql` with GraphiQL, which is a part of the built page; programs get Apollo's answer. */
export function serveGraphiql(web: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (request.method !== 'GET' || request.accepts(['json', 'html']) !== 'html') return next()
    response.set({ ...GRAPHIQL_HEADERS, vary: 'accept' })
    const { url } = request
    request.url = '/graphiql.html'
    web(request, response, (error?: unknown) => {
      request.url = url
      response.removeHeader('content-security-policy')
      next(error)
    })
  }
}
