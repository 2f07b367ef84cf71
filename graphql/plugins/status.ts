import type { ApolloServerPlugin } from '@apollo/server'
import type { ApiContext } from '../context.ts'

const GRAPHQL_JSON = 'application/graphql-response+json'

/** Sets the HTTP status as the GraphQL-over-HTTP specification says: with `application/json` every well-formed request gets 200, even with
 *  GraphQL errors; with `application/graphql-response+json` a request that cannot be executed gets 400.
 *  @see https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes */
export const statusPlugin: ApolloServerPlugin<ApiContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ request, response: { http, body } }) {
        if (body.kind !== 'single') return
        if (request.http?.headers.get('accept')?.includes(GRAPHQL_JSON))
          http.headers.set('content-type', `${GRAPHQL_JSON}; charset=utf-8`)
        else if (
          http.status === 400 &&
          body.singleResult.errors?.every(({ extensions }) => extensions?.code !== 'BAD_REQUEST')
        )
          http.status = 200
      },
    }
  },
}
