import type { ApolloServerPlugin } from '@apollo/server'
import type { ApiContext } from '../context.ts'
import { stateRootOf } from '../resolvers/stateRoot.ts'

/** For a request with `"extensions": {"moments": true}`, adds `extensions.moments` to the response: the blocks as of which it was answered,
 *  whether they are final, and their state roots. */
export const asOfExtensionPlugin: ApolloServerPlugin<ApiContext> = {
  async requestDidStart({ request, contextValue }) {
    if (request.extensions?.moments !== true) return
    return {
      async willSendResponse({ response }) {
        if (response.body.kind !== 'single' || !response.body.singleResult.data) return
        const { singleResult } = response.body
        const { reader } = contextValue
        const [head, used] = [await reader.head(), await reader.usedAsOf()]
        const moments = await Promise.all(
          used.map(async ({ block, hash, time }) => ({
            block,
            hash,
            time,
            final: head !== null && block !== null && block <= head.finalBlock,
            stateRoot: await stateRootOf(reader, block),
          })),
        )
        singleResult.extensions = { ...singleResult.extensions, moments }
      },
    }
  },
}
