import type { ApolloServerPlugin } from '@apollo/server'
import { GraphQLError } from 'graphql'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { LIMITS } from './limits.ts'
import { measure } from './queryCost.ts'

/** Rejects queries that exceed the limits, and adds the cost to every response. */
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

/** Runs `work` and turns an ApiError into a GraphQLError with the same code, which is status 400 over HTTP. */
export function asGraphQLError<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    throw new GraphQLError(error.message, { extensions: { code: error.code, http: { status: 400 } } })
  }
}
