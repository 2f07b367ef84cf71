import type { ApolloServerPlugin } from '@apollo/server'
import type { GraphQLFormattedError } from 'graphql'
import type { ApiContext } from '../context.ts'

export const REORGANISED: GraphQLFormattedError = {
  message: 'The chain was reorganised during this request, so its parts may be from two forks. Send the request again.',
  extensions: { code: 'REORGANISED' },
}

/** Rejects a response that may mix two forks: the statements of a request use the same block, but not one snapshot. */
export const forkConsistencyPlugin: ApolloServerPlugin<ApiContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body }, operation, contextValue }) {
        if (operation?.operation !== 'query' || body.kind !== 'single' || !body.singleResult.data) return
        if (!(await contextValue.reader.isHeadCanonical())) body.singleResult = { data: null, errors: [REORGANISED] }
      },
    }
  },
}
