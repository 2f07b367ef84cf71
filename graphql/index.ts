import { createServer, type Server } from 'node:http'
import { ApolloServer } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled'
import { expressMiddleware } from '@as-integrations/express5'
import express, { type Express, type RequestHandler } from 'express'
import type { Registry } from 'prom-client'
import { PermanentError } from '#schema/errors.ts'
import { UPLOAD_PART_BYTES } from '#schema/folderListing.ts'
import { isTracing, traced } from '#schema/tracing.ts'
import { type Caller, callerOf } from './access.ts'
import { serveArtifact } from './artifactRoute.ts'
import { bodyError } from './bodyError.ts'
import { type ApiContext, contextOf, type Services } from './context.ts'
import { corsFor } from './cors.ts'
import { DOCUMENT_PATH } from './documents/names.ts'
import { serveDocument } from './documents/route.ts'
import { formatError, toClientError } from './errors.ts'
import { EXPORT_PATHS, serveExport } from './export/route.ts'
import { failRequest } from './failRequest.ts'
import { serveGraphiql } from './graphiqlPage.ts'
import { AccessWatch } from './live/accessWatch.ts'
import { openNotificationFeed } from './live/feed.ts'
import { LiveReads } from './live/liveReads.ts'
import { serveSockets } from './live/socket.ts'
import { type NamedServer, ownNames, UNKNOWN_NAME } from './ownNames.ts'
import { pageHeaders } from './pagePolicy.ts'
import { asOfExtensionPlugin } from './plugins/asOfExtension.ts'
import { costPlugin } from './plugins/cost.ts'
import { forkConsistencyPlugin } from './plugins/forkConsistency.ts'
import { LIMITS } from './plugins/limits.ts'
import { metricsPlugin } from './plugins/metrics.ts'
import { type PersistedQueries, persistedQueries } from './plugins/persistedQueries.ts'
import { statusPlugin } from './plugins/status.ts'
import { livez, type Readiness, readiness, readyz } from './probes.ts'
import { DEPLOYMENT_PATH, serveDeployment } from './publicDeployment.ts'
import { receivePart } from './receivePart.ts'
import { apiSchema } from './schema.ts'
import { signedByKey } from './signature.ts'
import { signInRoutes } from './signIn/route.ts'
import { serveWebPages } from './webPages.ts'

export type { ApiDeployment } from './context.ts'

export interface ApiOptions
  extends Omit<Services, 'feed' | 'access' | 'liveReads' | 'verifySignature'>,
    Partial<Pick<Services, 'verifySignature'>> {
  host: string
  /** 0 takes a free port. */
  port: number
  /** The page: a folder of static files, or a request handler. */
  web?: string | RequestHandler
  /** More routes over the same services. */
  gateway?: (services: Services, options: ApiOptions) => RequestHandler
  /** The API adds its own metrics. */
  registry?: Registry
  /** Queries that clients may send by hash. Unless they are the only ones allowed, clients may register more (automatic persisted queries). */
  persistedQueries?: PersistedQueries
  /** Origins whose pages may use the API in browsers, or `*` for all; by default only this server's own pages. */
  corsOrigins?: readonly string[]
}

export interface ApiServer {
  url: string
  app: Express
  /** What `/readyz` answers. */
  ready(): Promise<Readiness>
  /** Waits for running requests, then closes everything that `startApi` opened. */
  stop(): Promise<void>
}

/** Limit of a request body: the largest uploaded artifact, escaped as JSON. */
const BODY_LIMIT = '2500kb'

/** Serves GraphQL over HTTP and WebSocket at `/graphql`, exports, artifacts, probes and the page.
 *  @throws PermanentError that names PORT when the port is taken. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const feed = await openNotificationFeed(options.db)
  const access = new AccessWatch(options.db, feed)
  const services: Services = {
    ...options,
    verifySignature: options.verifySignature ?? signedByKey,
    feed,
    access,
    liveReads: new LiveReads(),
  }
  const app = express()
  const server = createServer(app)
  const apollo = apolloServer(options)
  await apollo.start()
  app.disable('x-powered-by')
  if (options.corsOrigins?.length) app.use(corsFor(options.corsOrigins))
  app.get('/livez', livez)
  app.get('/readyz', readyz(services))
  app.get(DEPLOYMENT_PATH, serveDeployment(services))
  app.use(requireOwnName(options))
  app.get('/artifacts/:name', serveArtifact(services))
  app.put(
    '/artifacts/:name',
    identify(services),
    express.raw({ limit: UPLOAD_PART_BYTES, type: () => true }),
    receivePart(services),
  )
  const entry = [express.json({ limit: BODY_LIMIT }), identify(services), emptyBody, ...persistedQueryHandlers(options)]
  const web = typeof options.web === 'string' ? serveWebPages(options.web) : options.web
  if (web) app.get('/graphql', serveGraphiql(web))
  app.use('/graphql', traceRequest, entry, answer(apollo, services))
  app.get(EXPORT_PATHS, entry, serveExport(services))
  app.post(EXPORT_PATHS, entry, serveExport(services))
  app.use('/auth', signInRoutes(services, options))
  if (options.gateway) app.use(options.gateway(services, options))
  app.get(DOCUMENT_PATH, serveDocument(services))
  if (web) app.use(pageHeaders(services), web)
  app.use(requestErrors(services))
  const stopSockets = serveSockets(server, '/graphql', services, options)
  let closing: Promise<void> | undefined
  const close = async () => {
    await stopSockets()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 5000).unref()
    })
    await apollo.stop() // after the last request: it would refuse one that has just begun
    access.stop()
    await feed.stop()
  }
  try {
    const ready = () => readiness(services)
    return { url: await listen(server, options), app, ready, stop: () => (closing ??= close()) }
  } catch (error) {
    access.stop()
    await feed.stop()
    await apollo.stop()
    throw error
  }
}

/** Probes and what everybody may know are answered under any name. */
function requireOwnName(server: NamedServer): RequestHandler {
  const isOwn = ownNames(server)
  return ({ path, headers }, response, next) => {
    if (isOwn(headers.host) || /^\/(v1|mcp)(\/|$)/.test(path)) return next() // these have errors of another form
    response.status(403).json({ errors: [{ message: UNKNOWN_NAME, extensions: { code: 'UNKNOWN_HOST' } }] })
  }
}

const persistedQueryHandlers = ({ persistedQueries: known }: ApiOptions) => (known ? [persistedQueries(known)] : [])

const apolloServer = ({ log, registry, persistedQueries: known }: ApiOptions) =>
  new ApolloServer<ApiContext>({
    schema: apiSchema(),
    introspection: true,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    csrfPrevention: true,
    persistedQueries: known?.only ? false : {},
    parseOptions: { maxTokens: LIMITS.tokens },
    formatError: (formatted, error) => formatError(formatted, error, log),
    logger: { debug() {}, info() {}, warn() {}, error: (message) => log.error({}, String(message)) },
    plugins: [
      forkConsistencyPlugin,
      costPlugin,
      statusPlugin,
      asOfExtensionPlugin,
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(), // it would wrap every resolver, which costs time
      ...(registry ? [metricsPlugin(registry)] : []),
    ],
    nodeEnv: 'production',
    stopOnTerminationSignals: false,
  })

/** One span for each request over HTTP; it continues the trace of the client, if there is one. */
const traceRequest: RequestHandler = (request, response, next) => {
  if (!isTracing()) return next()
  const parent = request.headers.traceparent
  const options = { kind: 'server', parent: typeof parent === 'string' ? parent : null } as const
  void traced(`${request.method} /graphql`, options, (span) => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    next()
    return closed.then(() => span.set({ 'http.response.status_code': response.statusCode }))
  })
}

type Identified = { caller: Caller }

/** Authenticates the caller before any resolver runs. */
const identify =
  ({ db, auth, log }: Services): RequestHandler =>
  async (request, response, next) => {
    try {
      const caller = await callerOf(db, auth, request.headers.authorization)
      Object.assign(response.locals, { caller } satisfies Identified)
      next()
    } catch (error) {
      failRequest(response, error, log, { INTERNAL: 500, other: 401 })
    }
  }

/** Gives a request without a body an empty one, so that GraphQL reports the error. */
const emptyBody: RequestHandler = (request, _response, next) => {
  request.body ??= {}
  next()
}

const answer = (apollo: ApolloServer<ApiContext>, services: Services): RequestHandler =>
  expressMiddleware(apollo, { context: async ({ res }) => contextOf(services, (res.locals as Identified).caller) })

/** Reports errors from before GraphQL: a body that is too large or not JSON. */
const requestErrors =
  ({ log }: Services): express.ErrorRequestHandler =>
  (error, _request, response, _next) => {
    const { status, code, message } = bodyError(error, 'Send {"query": "…", "variables": {…}}.') ?? {
      status: 500,
      ...toClientError(error, log),
    }
    response.status(status).json({ errors: [{ message, extensions: { code } }] })
  }

function listen(server: Server, { host, port }: ApiOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message =
        cause.code === 'EADDRINUSE'
          ? `PORT: ${port} is in use on ${host}. Stop the process that uses it, or set PORT to another port (0 takes a free one).`
          : `PORT, HOST: cannot listen on ${host}:${port} (${cause.message}). Set them to an address of this machine.`
      reject(new PermanentError(message, { cause }))
    })
    server.listen(port, host, () => {
      const address = server.address() as { port: number }
      const urlHost = host.includes(':') ? `[${host}]` : host
      resolve(`http://${urlHost}:${address.port}`)
    })
  })
}
