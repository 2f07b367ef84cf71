import type { ApolloServerPlugin } from '@apollo/server'
import type { ApiContext } from '../context.ts'

const GRAPHQL_JSON = 'application/graphql-response+json'

/** The status after the GraphQL-over-HTTP specification: in `application/json` every well-formed request is answered with 200, whatever GraphQL
 *  says of it; who accepts `application/graphql-response+json` is told 400 of a request that cannot be run. */
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
