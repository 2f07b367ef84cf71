import { RetriableError } from '#schema/errors.ts'
import { IndexerError } from '../errors.ts'

/** What can go wrong with an RPC endpoint. */

/** The node refused this request. It may answer another one, or the same one later: a block that it does not have yet. */
export class RpcError extends RetriableError {
  override name = 'RpcError'
  constructor(
    readonly method: string,
    readonly code: number,
    readonly reason: string,
  ) {
    super(`The RPC endpoint refused ${method}: ${reason} (code ${code})`)
  }
}

/** The node could not be reached, or was overloaded, in several tries. Ours to retry. */
export class RpcUnavailable extends RetriableError {
  override name = 'RpcUnavailable'
}

/** The chain is a replay of recorded events (`indexer/replay/`): it has no contracts to ask. */
export class RecordedChain extends RpcError {
  override name = 'RecordedChain'
}

/** How a replay refuses whatever needs a contract's state. Nodes never say this. */
export const NOT_RECORDED = 'A replayed chain does not answer'

/** The node keeps no state of a block: it was pruned, or the node was restarted without it. */
export class StateUnavailable extends RetriableError {
  override name = 'StateUnavailable'
  constructor(block: number | 'latest', cause: RpcError) {
    super(`The node has no state of block ${block} (${cause.reason}). An archive node keeps the state of all blocks.`, {
      cause,
    })
  }
}

/** The node refuses the logs of a single block: there is no smaller request. */
export class BlockRefused extends RetriableError {
  override name = 'BlockRefused'
  constructor(block: number, cause: RpcError) {
    super(
      `The node refuses the logs of the single block ${block}: ${cause.reason} (code ${cause.code}). Name an endpoint with a larger limit in RPC_URL.`,
      { cause },
    )
  }
}

/** One try failed because the node is overloaded or its answer was incomplete. */
export class NodeBusy extends RetriableError {
  override name = 'NodeBusy'
}

/** One try failed because no answer came in time. */
export class NodeSilent extends RetriableError {
  override name = 'NodeSilent'
}

/** An endpoint that cannot be used until its URL, its plan or the node behind it changes. */
export abstract class EndpointUnusable extends IndexerError {}

/** The node does not have a method, or the provider does not offer it. */
export class MethodUnsupported extends EndpointUnusable {
  override name = 'MethodUnsupported'
  constructor(
    readonly endpoint: string,
    readonly method: string,
    readonly code: number,
    readonly reason: string,
  ) {
    super(
      `RPC_URL: ${endpoint} does not support ${method} (${reason}, code ${code}). Name an endpoint that does, or enable the method in the provider's plan.`,
    )
  }
}

/** The provider rejects the API key, or the key has no access to this chain. */
export class AccessDenied extends EndpointUnusable {
  override name = 'AccessDenied'
  constructor(
    readonly endpoint: string,
    readonly reason: string,
  ) {
    super(
      `RPC_URL: ${endpoint} denies access (${reason}). Correct the API key in RPC_URL, or the provider's plan and allowlist.`,
    )
  }
}

/** Without these methods nothing can be indexed. */
const REQUIRED_METHODS = new Set(['eth_chainId', 'eth_getBlockByNumber', 'eth_getLogs'])

/** Whether an error means that the indexer cannot use the endpoint at all. */
export const isUnusable = (error: unknown): error is EndpointUnusable =>
  error instanceof AccessDenied || (error instanceof MethodUnsupported && REQUIRED_METHODS.has(error.method))

const REVERTED = 3
const INVALID_PARAMS = -32602
/** JSON-RPC 2.0: "The method does not exist / is not available." */
const METHOD_NOT_FOUND = -32601
/** EIP-1474: "Method is not implemented." */
const METHOD_NOT_SUPPORTED = -32004
/** EIP-1474: "Request exceeds defined limit": a rate limit of some providers, a limit of blocks or logs of others. */
const LIMIT_EXCEEDED = -32005
const TOO_MANY_REQUESTS = 429
const PAYLOAD_TOO_LARGE = 413

/** Providers give the codes from -32000 to -32099 different meanings (-32012 and -32016 are rate limits of one provider, a limit of
 *  blocks and a denied access of another), so for these the message decides. */
const RATE_LIMIT =
  /rate.?limit|too many requests|request (rate|limit)|requests? count|compute units?|credits limited|(per|\/) ?sec(ond)?\b|\bRPS\b|throughput|quota/i
const OVERLOADED = /capacity|try again|temporarily|overloaded/i
/** What a limit of blocks or logs names, and a rate limit does not. */
const RANGE = /block range|blocks? range|range of|results|response size|\blogs\b/i
const METHOD_MISSING =
  /method\b.*\b(does not exist|not found|not (supported|available|allowed|enabled|whitelisted|implemented)|disabled|unsupported)|(unsupported|unknown|unavailable) (rpc )?method/i
const DENIED =
  /\bunauthori[sz]ed\b|must (be authenticated|authenticate)|authentication (required|failed)|invalid (api.?key|project id|access token|credentials)|access denied|forbidden/i
const LIMIT =
  /range|limit|too (large|many|big|long|wide)|exceed|more than \d+|timeout|timed out|response size|max(imum)? .*block/i

/** Contracts that fail without a reason, in the words of geth, of older clients and of Parity. */
const REVERT =
  /revert|invalid opcode|invalid jump|bad instruction|bad jump|stack underflow|VM execution error|out of gas/i
/** A block whose state the node does not have. geth says `header not found` for one that it does not know. */
const STATE_MISSING =
  /missing trie node|header not found|(state|trie|block)\b.*\b(not available|unavailable|pruned|not found|missing)|pruned|BlockOutOfRange|historical state|distance to target block/i

/** HTTP statuses of a provider that rejects the key, asks for payment, or forbids the access. */
const DENIED_STATUS = new Set([401, 402, 403])
/** HTTP statuses of an endpoint that is overloaded or away for a moment. */
const isBusyStatus = (status: number) => status === 408 || status === TOO_MANY_REQUESTS || status >= 500

/** What an HTTP status says about the endpoint, if it says anything: the body then need not be JSON-RPC. */
export function statusError(endpoint: string, status: number, body: string): NodeBusy | AccessDenied | undefined {
  if (isBusyStatus(status)) return new NodeBusy(`HTTP ${status}`)
  if (!DENIED_STATUS.has(status)) return undefined
  // some providers answer 403 when a quota is used up: that passes
  return RATE_LIMIT.test(body) ? new NodeBusy(`HTTP ${status}`) : new AccessDenied(endpoint, `HTTP ${status}`)
}

/** What an HTTP status of 400 and above says when the body is no JSON-RPC. An error page is not quoted: it may repeat the path, which
 *  may hold an API key. */
export const noJsonRpc = (endpoint: string, status: number): RpcError | RpcUnavailable =>
  status === PAYLOAD_TOO_LARGE
    ? new RpcError('the request', status, `HTTP ${status}`)
    : new RpcUnavailable(
        `RPC_URL: ${endpoint} answers HTTP ${status} without JSON-RPC. Correct the path in RPC_URL, or start the node behind it.`,
      )

/** The code and the message of a response's error. Some nodes send a bare string, or leave one of the two out. */
export function readError(error: unknown): { code: number; message: string } {
  const { code, message } = (typeof error === 'object' && error !== null ? error : { message: error }) as Record<
    string,
    unknown
  >
  return {
    code: typeof code === 'number' ? code : Number(code) || 0,
    message: typeof message === 'string' && message ? message : 'no reason given',
  }
}

/** What an error in a JSON-RPC response says: the node is busy (retried), lacks the method or denies access (permanent), or refuses
 *  this request. */
export function responseError(
  endpoint: string,
  method: string,
  { code, message }: { code: number; message: string },
): NodeBusy | EndpointUnusable | RpcError {
  if (code === REVERTED || /revert/i.test(message)) return new RpcError(method, code, message) // a contract's own words
  if (message.startsWith(NOT_RECORDED)) return new RecordedChain(method, code, message)
  if (isBusy(code, message)) return new NodeBusy(message)
  if (
    code === METHOD_NOT_FOUND ||
    METHOD_MISSING.test(message) ||
    (code === METHOD_NOT_SUPPORTED && /method|support/i.test(message))
  )
    return new MethodUnsupported(endpoint, method, code, message)
  if (DENIED.test(message)) return new AccessDenied(endpoint, message)
  return new RpcError(method, code, message)
}

function isBusy(code: number, message: string): boolean {
  if (code === TOO_MANY_REQUESTS) return true
  if (RANGE.test(message)) return false
  return RATE_LIMIT.test(message) || (code !== LIMIT_EXCEEDED && OVERLOADED.test(message))
}

/** Whether a node refused a request because it is for too many blocks or logs. */
export const isLimit = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  ([LIMIT_EXCEEDED, INVALID_PARAMS, PAYLOAD_TOO_LARGE].includes(error.code) || LIMIT.test(error.reason))

/** Whether a call reverted, or failed inside the contract in another way: the contract answered. */
export const isRevert = (error: unknown): error is RpcError =>
  error instanceof RpcError && (error.code === REVERTED || REVERT.test(error.reason))

/** Whether a node refused a call because it does not have the block's state. */
export const lacksState = (error: unknown): error is RpcError =>
  error instanceof RpcError && STATE_MISSING.test(error.reason)

/** Whether every endpoint would refuse the same request: a revert is the chain's answer, and a limit is the fault of the request. A call has
 *  no range: where one endpoint lacks the state for it, another may have it. */
export const isFinal = (error: RpcError) => (error.method === 'eth_call' ? isRevert(error) : isLimit(error))
