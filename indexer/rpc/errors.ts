import { RetriableError } from '#schema/errors.ts'
import { IndexerError } from '../errors.ts'
import type { RpcCall } from './rpc.ts'

/** What can go wrong with an RPC endpoint. */

/** The node refused this request. It may answer another one, or the same one later: a block that it does not have yet. */
export class RpcError extends RetriableError {
  override name = 'RpcError'
  constructor(
    readonly method: string,
    readonly code: number,
    readonly reason: string,
    /** Whether the request could ask for a smaller part: of the logs of several blocks. */
    readonly isDivisible = false,
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

/** The node may have cut the logs of a single block, and gives no receipts to compare them with. */
export class BlockCut extends RetriableError {
  override name = 'BlockCut'
  constructor(block: number, logs: number, cause: Error) {
    super(
      `The node tells exactly ${logs} logs of the single block ${block}, so it may have cut them, and it gives no receipts to compare them with (${cause.message}). Name an endpoint in RPC_URL that has eth_getBlockReceipts or eth_getTransactionReceipt.`,
      { cause },
    )
  }
}

/** One try failed because the node is overloaded or its answer was incomplete. */
export class NodeBusy extends RetriableError {
  override name = 'NodeBusy'
  constructor(
    message: string,
    options?: ErrorOptions,
    /** How long the node asks to wait (RFC 9110, Retry-After), in milliseconds. */
    readonly retryAfterMs = 0,
  ) {
    super(message, options)
  }
}

/** The endpoint refuses so many calls in one request: all of them are sent again in smaller ones. */
export class BatchRefused extends RetriableError {
  override name = 'BatchRefused'
  constructor(
    /** How many it takes. */
    readonly limit: number,
    reason: string,
  ) {
    super(`the endpoint takes at most ${limit} calls in a request (${reason})`)
  }
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
/** EIP-1474: "Requested resource not found". */
const RESOURCE_NOT_FOUND = -32001
const INVALID_PARAMS = -32602
/** JSON-RPC 2.0: "The method does not exist / is not available." */
const METHOD_NOT_FOUND = -32601
/** EIP-1474: "Method is not implemented." */
const METHOD_NOT_SUPPORTED = -32004
/** EIP-1474: "Request exceeds defined limit": a rate limit of some providers, a limit of blocks or logs of others. */
const LIMIT_EXCEEDED = -32005
const TOO_MANY_REQUESTS = 429
/** dRPC: the free tier's time for a request is over. */
const FREE_TIER_TIMEOUT = 30
/** JSON-RPC 2.0: what was sent is no request, or no JSON; so nodes say that they take no batches. */
const INVALID_REQUEST = -32600
const PARSE_ERROR = -32700
export const PAYLOAD_TOO_LARGE = 413

/** Providers give the codes from -32000 to -32099 different meanings (-32012 and -32016 are rate limits of one provider, a limit of
 *  blocks and a denied access of another), so for these the message decides. */
const RATE_LIMIT =
  /rate.?limit|too many requests|request (rate|limit)|requests? count|compute units?|credits?\b|(per|\/) ?(sec(ond)?|day|month)\b|\bRPS\b|throughput|quota/i
/** What is used up, or too little paid. */
const PLAN = /(daily|monthly)\b.*\b(limit|cap)|(free|your|current|paid) ?(tier|plan)|upgrade/i
const OVERLOADED = /capacity|try again|temporarily|overloaded/i
/** What a limit of blocks or logs names, and a rate limit does not. */
const RANGE = /\branges?\b|results|response size|\blogs\b/i
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
  /missing trie node|header (for hash )?not found|unknown block|could not be found|(state|trie|block)\b.*\b(not available|unavailable|pruned|not found|missing)|pruned|BlockOutOfRange|historical state|distance to target block/i

/** HTTP statuses of a provider that rejects the key, or forbids the access. */
const DENIED_STATUS = new Set([401, 403])
const PAYMENT_REQUIRED = 402
/** HTTP statuses of an endpoint that is overloaded or away for a moment, or whose quota is used up until it is paid for or renewed. */
const isBusyStatus = (status: number) => [PAYMENT_REQUIRED, 408, TOO_MANY_REQUESTS].includes(status) || status >= 500

/** What an HTTP status says about the endpoint, if it says anything: the body then need not be JSON-RPC. */
export function statusError(
  endpoint: string,
  status: number,
  body: string,
  waitMs = 0,
): NodeBusy | AccessDenied | undefined {
  if (isBusyStatus(status)) return new NodeBusy(`HTTP ${status}`, undefined, waitMs)
  if (!DENIED_STATUS.has(status)) return undefined
  // some providers answer 403 when a quota is used up: that passes
  return RATE_LIMIT.test(body) ? new NodeBusy(`HTTP ${status}`) : new AccessDenied(endpoint, `HTTP ${status}`)
}

/** How long an answer asks to wait (RFC 9110, 10.2.3): in seconds, or until a date by the clock of whoever answers. */
export function retryAfterMs(headers: Pick<Headers, 'get'>): number {
  const after = headers.get('retry-after') ?? ''
  if (/^\d+$/.test(after)) return Number(after) * 1_000
  const ms = /GMT$/.test(after) ? Date.parse(after) - Date.parse(headers.get('date') ?? '') : 0
  return ms > 0 ? ms : 0
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
  { method, params }: RpcCall,
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
  // Receipts can be done without: what a plan does not have of them will not come by waiting.
  if (method === 'eth_getBlockReceipts' && PLAN.test(message))
    return new MethodUnsupported(endpoint, method, code, message)
  if (PLAN.test(message) && !RANGE.test(message)) return new NodeBusy(message)
  return new RpcError(method, code, message, method === 'eth_getLogs' && asksForSeveralBlocks(params[0]))
}

function asksForSeveralBlocks(criteria: unknown): boolean {
  const { blockHash, fromBlock, toBlock } = (criteria ?? {}) as Record<string, unknown>
  return blockHash === undefined && fromBlock !== toBlock
}

/** Whether a refusal of several calls at once is about their number, and how many are taken then. The texts are of providers and of nodes that take
 *  no batches: "Batch of more than 3 requests are not allowed", "batch too large", "Invalid Request". */
export function batchLimit(calls: number, { code, message }: { code: number; message: string }): number | undefined {
  const isRefused = /\bbatch/i.test(message) || [INVALID_REQUEST, PARSE_ERROR, PAYLOAD_TOO_LARGE].includes(code)
  if (calls < 2 || !isRefused) return undefined
  const named = Number(/\d+/.exec(message.replace(/\b0x[0-9a-f]+/gi, ''))?.[0])
  return named >= 1 && named < calls ? named : Math.floor(calls / 2)
}

function isBusy(code: number, message: string): boolean {
  if (code === TOO_MANY_REQUESTS || code === FREE_TIER_TIMEOUT) return true
  if (RANGE.test(message)) return false
  return RATE_LIMIT.test(message) || (code !== LIMIT_EXCEEDED && OVERLOADED.test(message))
}

/** Whether a node refused a request because it is for too many blocks or logs. */
export const isLimit = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  (error.method === 'eth_getLogs' || error.code === PAYLOAD_TOO_LARGE) &&
  ([LIMIT_EXCEEDED, INVALID_PARAMS, PAYLOAD_TOO_LARGE].includes(error.code) || LIMIT.test(error.reason))

/** Whether a node refused a request because it names too many contracts. */
export const isAddressLimit = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  error.method === 'eth_getLogs' &&
  /\baddress(es)?\b/i.test(error.reason) &&
  (LIMIT.test(error.reason) || /\b(less|fewer)\b/i.test(error.reason))

/** How many of `count` addresses a refusal allows: the number that it names, or half of them. */
export function allowedAddresses(count: number, { reason }: Pick<RpcError, 'reason'>): number {
  const named = Number(/\d+/.exec(reason.replace(/\b0x[0-9a-f]+/gi, ''))?.[0])
  return named >= 1 && named < count ? named : Math.max(1, Math.floor(count / 2))
}

/** Whether a call reverted, or failed inside the contract in another way: the contract answered. */
export const isRevert = (error: unknown): error is RpcError =>
  error instanceof RpcError && (error.code === REVERTED || REVERT.test(error.reason))

/** Whether a node refused a call because it does not have the block's state. */
export const lacksState = (error: unknown): error is RpcError =>
  error instanceof RpcError && (error.code === RESOURCE_NOT_FOUND || STATE_MISSING.test(error.reason))

/** How nodes say that they take no hash of a block in place of its number. */
const NO_HASH =
  /unmarshal|deserial|blockhash|hex string|(invalid|wrong|expected|unsupported|not supported).*\b(arg|param|block|type|tag|string)/i

/** Whether a node takes numbers of blocks alone (before EIP-1898). */
export function refusesHash(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false
  const { code, reason } = error
  const isOther = error instanceof RecordedChain || isRevert(error) || lacksState(error)
  return !isOther && (code === INVALID_PARAMS || NO_HASH.test(reason))
}

/** Whether no other endpoint shall be asked: a revert is the chain's answer, and a request for the logs of several blocks or of many contracts can be made smaller. A
 *  request that cannot, for one block or a header, may be within the limits of another endpoint. */
export const isFinal = (error: RpcError) =>
  error.method === 'eth_call' ? isRevert(error) : (error.isDivisible && isLimit(error)) || isAddressLimit(error)
