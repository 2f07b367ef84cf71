import type { ApolloServerPlugin } from '@apollo/server'
import { GraphQLError } from 'graphql'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { LIMITS, measure } from './limits.ts'

/** Refuses queries that ask too much, and tells every answer's cost. */
export const costPlugin: ApolloServerPlugin<ApiContext> = {
  async requestDidStart() {
    let cost = 0
    return {
      async didResolveOperation({ schema, document, operation, request }) {
        if (operation) cost = asGraphQLError(() => measure(schema, document, operation, request.variables ?? {}))
      },
      async willSendResponse({ response }) {
        if (response.body.kind !== 'single') return
        const { singleResult } = response.body
        if (singleResult.data)
          singleResult.extensions = { ...singleResult.extensions, cost: { requested: cost, maximum: LIMITS.cost } }
      },
    }
  },
}

/** A refusal as GraphQL speaks it: with its code, and as a bad request over HTTP. */
export function asGraphQLError<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    throw new GraphQLError(error.message, { extensions: { code: error.code, http: { status: 400 } } })
  }
}
