import { randomUUID } from 'node:crypto'
import express, { type ErrorRequestHandler, type RequestHandler, type Response, Router } from 'express'
import { type Caller, callerAccount, callerOf } from '#graphql/access.ts'
import type { Services } from '#graphql/context.ts'
import type { ApiOptions } from '#graphql/index.ts'
import { chatForm, readChatCompletion } from './chat.ts'
import { completionForm, readCompletion } from './completions.ts'
import { embeddingsForm, readEmbeddings } from './embeddings.ts'
import { describeFailure, GatewayError } from './errors.ts'
import { answer, exchange, type Gateway, startAnswers } from './exchange.ts'
import { requireKnownHost } from './knownHost.ts'
import { serveMcp } from './mcp/index.ts'
import { mcpServerFor } from './mcp/server.ts'
import { anthropicError, messagesForm, readMessages } from './messages.ts'
import { openGatewayMetrics } from './metrics.ts'
import { ModelList } from './models.ts'
import { addReceiptRoute } from './receipts.ts'
import { addResponseRoutes } from './responseRoutes.ts'

/** The largest body of a request. */
const BODY_LIMIT = '1mb'

type GatewayOptions = Pick<ApiOptions, 'auth' | 'host' | 'corsOrigins' | 'registry'>

/** The endpoints that are answered here, for any client of OpenAI's and Anthropic's APIs (at `/v1`) and of the Model Context Protocol (at `/mcp`): what the
 *  `infer` mutation does, and what can be read. */
export function openGateway(services: Services, options: GatewayOptions): Router {
  const models = new ModelList(services)
  const gateway: Gateway = { services, models, metrics: openGatewayMetrics(options.registry) }
  const router = Router()
  const isOwn = requireKnownHost(options)
  router.use('/v1', openaiRoutes(gateway, isOwn))
  router.use('/mcp', serveMcp(services, isOwn, mcpServerFor(gateway)))
  return router
}

function openaiRoutes(gateway: Gateway, isOwn: RequestHandler): Router {
  const { services } = gateway
  const router = Router()
  router.use(
    nameRequest,
    countResponses(gateway),
    isOwn,
    requireJson,
    express.json({ limit: BODY_LIMIT }),
    identifyCaller(services),
  )
  router.get('/models', async (_request, response) => {
    response.json({ object: 'list', data: await gateway.models.list(accountOf(response)) })
  })
  router.get('/models/*id', async (request, response) => {
    response.json(await gateway.models.get([request.params.id].flat().join('/'), accountOf(response)))
  })
  router.post('/completions', (request, response) => {
    const question = readCompletion(request.body)
    return exchange(gateway, request, response, question, (asked) => completionForm(question, asked))
  })
  router.post('/chat/completions', (request, response) => {
    const asked = readChatCompletion(request.body)
    return exchange(gateway, request, response, asked, (started) => chatForm(asked, started))
  })
  router.post('/messages', (request, response) => {
    const asked = readMessages(request.body)
    return exchange(gateway, request, response, asked, (started) => messagesForm(asked, started))
  })
  addResponseRoutes(router, gateway)
  addReceiptRoute(router, services)
  router.post('/embeddings', async (request, response) => {
    const asked = readEmbeddings(request.body)
    const started = await startAnswers(gateway, request, response, asked)
    await answer(gateway, request, response, { ...started, stream: false, form: embeddingsForm(asked) })
  })
  router.use((request) => {
    throw new GatewayError(404, `Unknown request URL: ${request.method} ${request.baseUrl}${request.path}.`, {
      code: 'unknown_url',
    })
  })
  router.use(reportFailure(services))
  return router
}

const accountOf = (response: Response): string | undefined =>
  callerAccount((response.locals as { caller: Caller }).caller) ?? undefined

/** Gives each request an id, for the client's report and the operator's log. */
const nameRequest: RequestHandler = (_request, response, next) => {
  response.set('x-request-id', `req_${randomUUID().replaceAll('-', '')}`)
  next()
}

/** A page of another origin may send a text, but JSON only with the permission of this one. */
const requireJson: RequestHandler = (request, _response, next) => {
  if (request.is('json') === false && request.headers['content-length'] !== '0')
    throw new GatewayError(415, 'Send JSON, with the header content-type: application/json.')
  next()
}

const countResponses =
  ({ metrics }: Gateway): RequestHandler =>
  (request, response, next) => {
    response.once('close', () => metrics.ended(request.route?.path ?? 'other', response.statusCode))
    next()
  }

const identifyCaller =
  ({ db, auth }: Services): RequestHandler =>
  async (request, response, next) => {
    const header = request.headers.authorization ?? bearer(request.headers['x-api-key'])
    response.locals.caller = await callerOf(db, auth, header === PAYS_BY_VOUCHER ? undefined : header)
    next()
  }

/** Clients of OpenAI's API always send a key: this one says that each request brings its own voucher. */
const PAYS_BY_VOUCHER = 'Bearer x402'

/** Anthropic's clients send the key in a header of its own. */
const bearer = (key: string | string[] | undefined) => (typeof key === 'string' ? `Bearer ${key}` : undefined)

const reportFailure =
  ({ log }: Services): ErrorRequestHandler =>
  (error, request, response, _next) => {
    if (response.headersSent) return void response.end()
    const { status, body, headers } = describeFailure(error, log)
    response
      .status(status)
      .set(headers)
      .json(request.path === '/messages' ? anthropicError(status, body) : body)
  }
