import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { createRoot } from 'react-dom/client'
import 'graphiql/style.css'
import './style/graphiql.css'

/** GraphiQL for this API, at `/graphql` in a browser. Subscriptions use the WebSocket at the same address. A key goes into its headers:
 *  `{"authorization": "Bearer …"}`. */

const url = new URL('./graphql', location.href)
const socket = new URL(url)
socket.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'

const EXAMPLE = `# What the chain says, as of its newest block. Press Ctrl-Enter to run it.
{
  _meta { block time final }
  models(first: 5) { nodes { id name liveVersionId } }
  contributions {
    aggregate { count groupBy(by: [{ field: status }]) { key { status } count } }
  }
}
`

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <GraphiQL
      fetcher={createGraphiQLFetcher({ url: url.pathname, subscriptionUrl: socket.href })}
      defaultQuery={EXAMPLE}
      query={new URLSearchParams(location.search).get('query') ?? undefined}
      shouldPersistHeaders={false}
    />,
  )
