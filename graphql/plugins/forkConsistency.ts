import type { ApolloServerPlugin } from '@apollo/server'
import type { GraphQLFormattedError } from 'graphql'
import type { ApiContext } from '../context.ts'

export const REORGANISED: GraphQLFormattedError = {
  message: 'The chain was reorganised while this was answered, so that its parts may be of two forks. Ask again.',
  extensions: { code: 'REORGANISED' },
}

/** An answer is of one fork, or it is none: the statements of a request share a block, but no snapshot. */
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
