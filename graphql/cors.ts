import cors from 'cors'
import type { RequestHandler } from 'express'

/** What a call may say beside its body. */
const CALLS = ['x-api-key', 'x-consumer', 'x-channel', 'x-open', 'idempotency-key']
/** x402's clients send the second with each payment. */
const PAYMENT = ['payment-signature', 'access-control-expose-headers']
const MCP = ['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'last-event-id']

/** Lets pages of other origins use the API. Browsers send no cookies or other credentials with such requests (none are allowed), so that a page acts only with
 *  the key that it was given. */
export const corsFor = (origins: readonly string[]): RequestHandler =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: [
      'authorization',
      'content-type',
      'apollo-require-preflight',
      'x-apollo-operation-name',
      ...CALLS,
      ...PAYMENT,
      ...MCP,
    ],
    exposedHeaders: [
      ...['modelcommons-block', 'modelcommons-block-hash', 'modelcommons-final', 'retry-after'],
      ...['x-request-id', 'x-receipt-id', 'payment-required', 'payment-response', 'mcp-session-id'],
    ],
    credentials: false,
    maxAge: 600,
  })
