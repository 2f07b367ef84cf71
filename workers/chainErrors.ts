import {
  type Abi,
  type AbiItem,
  BaseError,
  BlockNotFoundError,
  ContractFunctionRevertedError,
  HttpRequestError,
  InternalRpcError,
  LimitExceededRpcError,
  ResourceUnavailableRpcError,
  SocketClosedError,
  TimeoutError,
  TransactionReceiptNotFoundError,
  WebSocketRequestError,
} from 'viem'
import { type ContractName, contracts } from '#contracts/generated/index.ts'
import { PermanentError, RetriableError } from '#schema/errors.ts'

/** The contract rejects a call. `errorName` and `errorArgs` are its custom error, if it has one. */
export class RevertError extends PermanentError {
  override name = 'RevertError'
  readonly errorName?: string
  readonly errorArgs?: readonly unknown[]
  constructor(message: string, options: ErrorOptions & { errorName?: string; errorArgs?: readonly unknown[] } = {}) {
    super(message, options)
    this.errorName = options.errorName
    this.errorArgs = options.errorArgs
  }
}

/** The key belongs to another call, or the database or the deployment belongs to another chain. */
export class ChainMismatchError extends PermanentError {
  override name = 'ChainMismatchError'
  constructor(
    readonly code: 'key-reused' | 'other-chain',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The chain cannot be read or written at present. */
export class ChainUnavailableError extends RetriableError {
  override name = 'ChainUnavailableError'
  constructor(
    readonly code: 'unreachable' | 'not-mined' | 'nonce-used' | 'no-funds',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Nodes have no error codes of their own for these two cases, only wordings (geth, Erigon, Nethermind, anvil). */
export const INSUFFICIENT_FUNDS = /insufficient funds|exceeds the balance/i
export const ALREADY_SENT =
  /already known|already imported|known transaction|nonce too low|lower than the current nonce/i

/** The custom errors of all contracts: a call passes on the errors of the contracts that it calls. */
const contractErrors: AbiItem[] = Object.values(contracts).flatMap(({ abi }) =>
  (abi as Abi).filter((item) => item.type === 'error'),
)

/** The functions of the contract, with the errors of all contracts. */
export const callAbi = (contract: ContractName): Abi => [
  ...(contracts[contract].abi as Abi).filter((item) => item.type === 'function'),
  ...(contractErrors as unknown as Abi), // `Abi` is readonly and its members are not exported one by one
]

/** Translates the error of a failed call: a revert with its decoded error, or a chain that is unavailable. */
export function toChainError(what: string, cause: unknown): RevertError | ChainUnavailableError {
  const revert =
    cause instanceof BaseError ? cause.walk((error) => error instanceof ContractFunctionRevertedError) : null
  if (revert instanceof ContractFunctionRevertedError) {
    const { data, reason } = revert
    if (data && data.errorName !== 'Error' && data.errorName !== 'Panic') {
      const shown = (data.args ?? []).map(String).join(', ')
      return new RevertError(`${what} reverts: ${data.errorName}(${shown}).`, {
        cause,
        errorName: data.errorName,
        errorArgs: data.args ?? [],
      })
    }
    return new RevertError(`${what} reverts: ${reason ?? 'no reason given'}.`, { cause })
  }
  const text = cause instanceof BaseError ? cause.shortMessage : (cause as Error).message
  if (INSUFFICIENT_FUNDS.test(text)) return new ChainUnavailableError('no-funds', text, { cause })
  return new ChainUnavailableError('unreachable', `${what}: the chain does not answer (${text}).`, { cause })
}

const TRANSPORT_ERRORS = [
  HttpRequestError,
  WebSocketRequestError,
  SocketClosedError,
  TimeoutError,
  InternalRpcError,
  LimitExceededRpcError,
  ResourceUnavailableRpcError,
  BlockNotFoundError, // a node that is behind the one that answered before
  TransactionReceiptNotFoundError,
]

/** Whether an error of viem says that the node does not answer, is overloaded, or is behind. */
export const isTransportError = (error: unknown): boolean =>
  error instanceof BaseError && error.walk((cause) => TRANSPORT_ERRORS.some((type) => cause instanceof type)) !== null
