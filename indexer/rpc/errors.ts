import { RetriableError } from '#schema/errors.ts'

/** What can go wrong with an RPC endpoint. */

/** The node answered with an error: the same request would get the same answer. */
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

/** The node answers no calls: it keeps no state, or serves recorded events only. */
export class StatelessNode extends RpcError {
  constructor(cause: RpcError) {
    super(cause.method, cause.code, cause.reason)
    this.cause = cause
  }
}

/** One try failed because the node is overloaded or its answer was incomplete. */
export class NodeBusy extends Error {}

const REVERTED = 3
const METHOD_NOT_FOUND = -32601
const LIMIT_EXCEEDED = -32005
const RATE_LIMIT =
  /rate limit|too many requests|request rate|capacity|try again|temporarily|overloaded|compute units per second/i

/** Whether an error in a JSON-RPC response says that the node is overloaded. */
export const isBusy = (error: { code: number; message: string }) =>
  error.code === 429 || (RATE_LIMIT.test(error.message) && error.code !== LIMIT_EXCEEDED)

/** Whether a node refused a request because it asks for too much: providers have no common code for it. */
export const isLimit = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  (error.code === LIMIT_EXCEEDED ||
    error.code === -32602 ||
    error.code === 413 ||
    /range|limit|too (large|many|big|long|wide)|exceed|more than \d+|timeout|timed out|response size|max(imum)? .*block/i.test(
      error.reason,
    ))

/** Whether a call reverted. */
export const isRevert = (error: unknown): error is RpcError =>
  error instanceof RpcError && (error.code === REVERTED || /revert|invalid opcode/i.test(error.reason))

/** Whether a node refused a call because it answers no calls at all. */
export const lacksState = (error: unknown): error is RpcError =>
  error instanceof RpcError &&
  (error.code === METHOD_NOT_FOUND ||
    /method.*(does not exist|not found)|not (supported|available|answer)/i.test(error.reason))

/** Whether every endpoint would refuse the same request: a revert is the chain's answer, and a limit is the fault of the request. */
export const isFinal = (error: RpcError) => error.code === REVERTED || isLimit(error)
