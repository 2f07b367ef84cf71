import { toNodeHandler } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  isLegacyRequest,
  type McpHttpHandler,
  type McpServer,
  type ServerNotifier,
} from '@modelcontextprotocol/server'
import express, { type ErrorRequestHandler, type RequestHandler, Router } from 'express'
import { callerOf } from '#graphql/access.ts'
import type { Services } from '#graphql/context.ts'
import { describeFailure, GatewayError } from '../errors.ts'
import { authInfoOf } from './caller.ts'
import { jsonRpcErrorBody } from './jsonRpc.ts'
import { Sessions } from './sessions.ts'

/** The Model Context Protocol over streamable HTTP: https://modelcontextprotocol.io/specification. */

/** The largest message. */
const BODY_LIMIT = '1mb'
/** Streams on which a client waits for changes; nothing changes here, so that few need one. */
const MAX_SUBSCRIPTIONS = 256

type McpServices = Pick<Services, 'db' | 'auth' | 'log'>

/** Serves what `makeServer` defines at one path: revision 2026-07-28 without state, and the earlier ones with bounded sessions. */
export function serveMcp(
  services: McpServices,
  isOwn: RequestHandler,
  makeServer: (notify: ServerNotifier) => McpServer,
): Router {
  const onerror = () => {} // of clients: each is told by the response
  const make = () => makeServer(stateless.notify)
  const sessions = new Sessions(make)
  const stateless: McpHttpHandler = createMcpHandler(make, {
    legacy: 'reject',
    maxSubscriptions: MAX_SUBSCRIPTIONS,
    onerror,
  })
  const serve = toNodeHandler(
    {
      fetch: async (request, options = {}) =>
        (await isLegacyRequest(request, options.parsedBody))
          ? sessions.fetch(request, options)
          : stateless.fetch(request, options),
    },
    { onerror: (err) => services.log.error({ err }, 'a message of MCP failed') },
  )
  const router = Router()
  router.use(
    isOwn,
    express.json({ limit: BODY_LIMIT }),
    refuseBatches,
    refuseDepth,
    identifySender(services),
    (request, response) => serve(request, response, request.body),
  )
  router.use(reportFailure(services))
  return router
}

/** Revisions from 2025-06-18 on have none. */
const refuseBatches: RequestHandler = (request, _response, next) => {
  if (Array.isArray(request.body)) throw new GatewayError(400, 'Send one JSON-RPC message with each request.')
  next()
}

/** A message as deep as this overflows the stack of no program that reads it. */
const MAX_DEPTH = 64

const refuseDepth: RequestHandler = (request, _response, next) => {
  let level = [request.body]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new GatewayError(400, `A message has at most ${MAX_DEPTH} levels of objects and lists. Use fewer.`)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  next()
}

const identifySender =
  ({ db, auth }: McpServices): RequestHandler =>
  async (request, _response, next) => {
    const { headers } = request
    const caller = await callerOf(db, auth, headers.authorization)
    Object.assign(request, { auth: authInfoOf({ caller, headers: { ...headers, authorization: undefined } }) })
    next()
  }

const PARSE_ERROR = -32700
const SERVER_ERROR = -32000

const reportFailure =
  ({ log }: McpServices): ErrorRequestHandler =>
  (error, _request, response, _next) => {
    if (response.headersSent) return void response.end()
    const { status, body, headers } = describeFailure(error, log)
    const code = (error as { type?: unknown }).type === 'entity.parse.failed' ? PARSE_ERROR : SERVER_ERROR
    if (status === 401) response.set('www-authenticate', 'Bearer')
    response.status(status).set(headers).json(jsonRpcErrorBody(code, body.error.message))
  }
