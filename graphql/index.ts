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
import { type Caller, callerOf } from './access.ts'
import { serveArtifact } from './artifactRoute.ts'
import { type ApiContext, contextOf, type Services } from './context.ts'
import { formatError, toClientError } from './errors.ts'
import { EXPORT_PATHS, serveExport } from './export/route.ts'
import { openNotificationFeed } from './live/feed.ts'
import { serveSockets } from './live/socket.ts'
import { asOfExtensionPlugin } from './plugins/asOfExtension.ts'
import { costPlugin } from './plugins/cost.ts'
import { forkConsistencyPlugin } from './plugins/forkConsistency.ts'
import { LIMITS } from './plugins/limits.ts'
import { metricsPlugin } from './plugins/metrics.ts'
import { type PersistedQueries, persistedQueries } from './plugins/persistedQueries.ts'
import { statusPlugin } from './plugins/status.ts'
import { livez, metrics, readyz } from './probes.ts'
import { apiSchema } from './schema.ts'

export type { ApiDeployment } from './context.ts'

export interface ApiOptions extends Omit<Services, 'feed'> {
  host: string
  /** 0 takes a free port. */
  port: number
  /** The page: a folder of files, or what answers for it. */
  web?: string | RequestHandler
  /** Shown at `/metrics`; the API adds its own. */
  registry?: Registry
  /** Queries that are known by their hash; unless only these are allowed, clients may register others (automatic persisted queries). */
  persistedQueries?: PersistedQueries
}

export interface ApiServer {
  url: string
  app: Express
  /** Lets running requests end, then closes everything that `startApi` opened. */
  stop(): Promise<void>
}

/** The largest request: an uploaded artifact, escaped as JSON. */
const BODY_LIMIT = '2500kb'

/** Serves GraphQL over HTTP and WebSocket at `/graphql`, exports, artifacts, probes and the page.
 *  @throws PermanentError that names PORT when the port is taken. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const services: Services = { ...options, feed: await openNotificationFeed(options.db) }
  const app = express()
  const server = createServer(app)
  const apollo = apolloServer(options)
  await apollo.start()
  app.disable('x-powered-by')
  app.get('/livez', livez)
  app.get('/readyz', readyz(services))
  if (options.registry) app.get('/metrics', metrics(options.registry))
  app.get('/artifacts/:name', serveArtifact(services))
  const entry = [express.json({ limit: BODY_LIMIT }), identify(services), emptyBody, ...register(options)]
  app.use('/graphql', entry, answer(apollo, services))
  app.get(EXPORT_PATHS, entry, serveExport(services))
  app.post(EXPORT_PATHS, entry, serveExport(services))
  if (options.web) app.use(typeof options.web === 'string' ? express.static(options.web) : options.web)
  app.use(faults(services))
  const stopSockets = serveSockets(server, '/graphql', services, options.persistedQueries)
  let closing: Promise<void> | undefined
  const close = async () => {
    await stopSockets()
    await apollo.stop()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 5000).unref()
    })
    await services.feed.stop()
  }
  try {
    return { url: await listen(server, options), app, stop: () => (closing ??= close()) }
  } catch (error) {
    await services.feed.stop()
    await apollo.stop()
    throw error
  }
}

const register = ({ persistedQueries: register }: ApiOptions) => (register ? [persistedQueries(register)] : [])

const apolloServer = ({ log, registry, persistedQueries: register }: ApiOptions) =>
  new ApolloServer<ApiContext>({
    schema: apiSchema(),
    introspection: true,
    includeStacktraceInErrorResponses: false,
    allowBatchedHttpRequests: false,
    csrfPrevention: true,
    persistedQueries: register?.only ? false : {},
    parseOptions: { maxTokens: LIMITS.tokens },
    formatError: (formatted, error) => formatError(formatted, error, log),
    logger: { debug() {}, info() {}, warn() {}, error: (message) => log.error({}, String(message)) },
    plugins: [
      forkConsistencyPlugin,
      costPlugin,
      statusPlugin,
      asOfExtensionPlugin,
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(), // it would wrap every resolver
      ...(registry ? [metricsPlugin(registry)] : []),
    ],
    nodeEnv: 'production',
    stopOnTerminationSignals: false,
  })

type Identified = { caller: Caller }

/** Finds out who asks before anything is done. */
const identify =
  ({ db, auth, log }: Services): RequestHandler =>
  async (request, response, next) => {
    try {
      const caller = await callerOf(db, auth, request.headers.authorization)
      Object.assign(response.locals, { caller } satisfies Identified)
      next()
    } catch (error) {
      const { code, message } = toClientError(error, log)
      response.status(code === 'INTERNAL' ? 500 : 401).json({ errors: [{ message, extensions: { code } }] })
    }
  }

/** A request without a body is GraphQL's to refuse, not the parser's. */
const emptyBody: RequestHandler = (request, _response, next) => {
  request.body ??= {}
  next()
}

const answer = (apollo: ApolloServer<ApiContext>, services: Services): RequestHandler =>
  expressMiddleware(apollo, { context: async ({ res }) => contextOf(services, (res.locals as Identified).caller) })

/** What went wrong before GraphQL was reached: a body that is too large or no JSON. */
const faults =
  ({ log }: Services): express.ErrorRequestHandler =>
  (error, _request, response, _next) => {
    const kind = (error as { type?: string }).type
    const fault =
      kind === 'entity.too.large'
        ? { status: 413, code: 'REQUEST_TOO_LARGE', message: `A request has at most ${BODY_LIMIT}. Send less.` }
        : kind === 'entity.parse.failed'
          ? {
              status: 400,
              code: 'BAD_REQUEST',
              message: 'The body is not JSON. Send {"query": "…", "variables": {…}}.',
            }
          : kind
            ? {
                status: (error as { status?: number }).status ?? 400,
                code: 'BAD_REQUEST',
                message: 'The request cannot be read. Send JSON in UTF-8.',
              }
            : { status: 500, ...toClientError(error, log) }
    response.status(fault.status).json({ errors: [{ message: fault.message, extensions: { code: fault.code } }] })
  }

function listen(server: Server, { host, port }: ApiOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `PORT: ${port} is in use on ${host}. Stop what listens there, or set PORT to another port (0 takes a free one).`
          : `PORT, HOST: cannot listen on ${host}:${port} (${cause.message}). Set them to an address of this machine.`
      reject(new PermanentError(why, { cause }))
    })
    server.listen(port, host, () => {
      const address = server.address() as { port: number }
      const shown = host.includes(':') ? `[${host}]` : host
      resolve(`http://${shown}:${address.port}`)
    })
  })
}
