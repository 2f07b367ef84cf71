import type { IncomingMessage, Server } from 'node:http'
import { GraphQLError, type GraphQLFormattedError, getOperationAST, parse, validate } from 'graphql'
import { CloseCode } from 'graphql-ws'
import { useServer as serveGraphqlWs } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { type Caller, callerOf } from '../access.ts'
import { type ApiContext, contextOf, type Services } from '../context.ts'
import { ApiError, formatError } from '../errors.ts'
import { type NamedServer, ownNames, parsedUrl } from '../ownNames.ts'
import { asGraphQLError } from '../plugins/cost.ts'
import { REORGANISED } from '../plugins/forkConsistency.ts'
import { LIMITS } from '../plugins/limits.ts'
import { type PersistedQueries, resolvePersistedQueryOnSocket } from '../plugins/persistedQueries.ts'
import { measure } from '../plugins/queryCost.ts'
import { apiSchema } from '../schema.ts'
import type { AccessWatch } from './accessWatch.ts'
import { OpenSubscriptions } from './openSubscriptions.ts'

/** Serves subscriptions, queries and mutations over graphql-ws at `path`, with the same limits, access rules and errors as over HTTP.
 *  Returns a function that closes all sockets. */
export function serveSockets(
  server: Server,
  path: string,
  services: Services,
  { persistedQueries, ...named }: { persistedQueries?: PersistedQueries } & NamedServer,
): () => Promise<void> {
  const isOwn = ownNames(named)
  const schema = apiSchema()
  const format = (error: GraphQLError): GraphQLFormattedError => formatError(error.toJSON(), error, services.log)
  const open = new OpenSubscriptions()
  const costs = new WeakMap<object, { requested: number; maximum: number }>()
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 2_500_000 })
  server.on('upgrade', (request, socket, head) => {
    const reject = (status: string) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    if (request.url?.split('?')[0] !== path) reject('404 Not Found')
    else if (!isOwn(request.headers.host) || !mayOpen(request, named.corsOrigins)) reject('403 Forbidden')
    else sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request))
  })
  const served = serveGraphqlWs<
    { authorization?: string },
    { caller?: Caller; access?: ReturnType<AccessWatch['watch']>; open?: Map<object, () => void> }
  >(
    {
      schema,
      async onConnect({ connectionParams, extra }) {
        const header = connectionParams?.authorization ?? extra.request.headers.authorization
        try {
          extra.caller = await callerOf(services.db, services.auth, header)
        } catch {
          return false
        }
        extra.access = services.access.watch(extra.caller)
        extra.access.ended.addEventListener('abort', () => extra.socket.close(CloseCode.Unauthorized, 'Unauthorized'))
        return true
      },
      onClose({ extra }) {
        extra.access?.stop()
        for (const end of extra.open?.values() ?? []) end()
      },
      // By the payload: an id is free for another subscription before the one that had it has ended.
      onComplete({ extra }, _id, payload) {
        extra.open?.get(payload)?.()
        extra.open?.delete(payload)
      },
      onSubscribe({ extra, subscriptions }, _id, payload) {
        try {
          asGraphQLError(() => checkSubscriptionCount(Object.keys(subscriptions).length))
          const request: Record<string, unknown> = { ...payload }
          asGraphQLError(() => resolvePersistedQueryOnSocket(persistedQueries, request))
          const { operationName, variables } = payload
          const document = parse(String(request.query), { maxTokens: LIMITS.tokens })
          const errors = validate(schema, document)
          if (errors.length > 0) return errors
          const operation = getOperationAST(document, operationName)
          if (!operation) return [new GraphQLError('Name one operation of the document in operationName.')]
          const requested = asGraphQLError(() => measure(schema, document, operation, variables ?? {}))
          const caller = extra.caller ?? { kind: 'anonymous' }
          if (operation.operation === 'subscription') {
            const { remoteAddress = '' } = extra.request.socket
            extra.open ??= new Map()
            extra.open.set(
              payload,
              asGraphQLError(() => open.open(caller, remoteAddress)),
            )
          }
          const contextValue = contextOf(services, caller)
          costs.set(contextValue, { requested, maximum: LIMITS.cost })
          return { schema, document, operationName, variableValues: variables, contextValue }
        } catch (error) {
          return [error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error })]
        }
      },
      onError: (_context, _id, _payload, errors) => errors.map(format),
      async onNext(_context, _id, _payload, { contextValue, document, operationName }, { data, errors, extensions }) {
        const isQuery = getOperationAST(document, operationName)?.operation === 'query'
        if (isQuery && !(await (contextValue as ApiContext).reader.isHeadCanonical()))
          return { data: null, errors: [REORGANISED] }
        return {
          ...(data !== undefined && { data }),
          ...(errors && { errors: errors.map(format) }),
          ...(data && { extensions: { ...extensions, cost: costs.get(contextValue as object) } }),
        }
      },
    },
    sockets,
  )
  return async () => {
    await served.dispose()
  }
}

const MAX_SUBSCRIPTIONS = 100

function checkSubscriptionCount(open: number): void {
  if (open > MAX_SUBSCRIPTIONS)
    throw new ApiError(
      'TOO_MANY_SUBSCRIPTIONS',
      `A connection has at most ${MAX_SUBSCRIPTIONS} subscriptions. End some first.`,
    )
}

/** Browsers send the origin of the page that opens a socket. Only pages of this server, and of the origins that may use the API, may open one: browsers do
 *  not apply CORS to WebSockets. */
function mayOpen({ headers }: IncomingMessage, origins: readonly string[] = []): boolean {
  const { origin, host } = headers
  if (!origin || origins.includes('*') || origins.includes(origin)) return true
  return parsedUrl(origin)?.host === host
}
