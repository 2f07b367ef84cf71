import {
  BaseError,
  type EIP1193RequestFn,
  HttpRequestError,
  http,
  LimitExceededRpcError,
  SocketClosedError,
  TimeoutError,
  type Transport,
  WebSocketRequestError,
  webSocket,
} from 'viem'
import { CircuitBreaker, type CircuitBreakerOptions, CircuitOpenError } from '#schema/circuitBreaker.ts'
import { ChainUnavailableError } from './chainErrors.ts'

export interface NodeTransportOptions {
  /** Of each of the three tries of a request. Default 8 s. */
  timeoutMs?: number
  breaker?: Partial<CircuitBreakerOptions>
}

const TIMEOUT_MS = 8_000
const RETRIES = 2
/** Requests in a row that failed, each after its tries. */
const FAILURES = 3
/** Statuses that say something about the request, not about the node. */
const REQUEST_FAULTS: readonly (number | undefined)[] = [400, 413]

/** The connection to the node behind `url`, over HTTP or WebSocket. A node that did not answer several times in a row is not asked for a while: calls
 *  fail at once with ChainUnavailableError, so that jobs wait without their slots. */
export function nodeTransport(url: string, { timeoutMs = TIMEOUT_MS, breaker }: NodeTransportOptions = {}): Transport {
  const settings = { retryCount: RETRIES, timeout: timeoutMs }
  const open: Transport = url.startsWith('ws') ? webSocket(url, settings) : http(url, settings)
  const circuit = new CircuitBreaker({ service: 'RPC_URL: the node', failures: FAILURES, ...breaker })
  return (parameters) => {
    const node = open(parameters)
    const request = (...call: Parameters<EIP1193RequestFn>) =>
      circuit
        .run(() => node.request(...call), isNodeFailure)
        .catch((error) => {
          if (!(error instanceof CircuitOpenError)) throw error
          throw new ChainUnavailableError('unreachable', error.message, { cause: error })
        })
    return { ...node, request: request as EIP1193RequestFn }
  }
}

/** The node gave no answer, or asks for fewer requests. What it says about a request, such as a revert, is an answer. */
function isNodeFailure(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false
  return (
    error.walk((cause) =>
      cause instanceof HttpRequestError
        ? !REQUEST_FAULTS.includes(cause.status)
        : [WebSocketRequestError, SocketClosedError, TimeoutError, LimitExceededRpcError].some(
            (type) => cause instanceof type,
          ),
    ) !== null
  )
}
