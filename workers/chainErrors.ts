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
import { refusalOf } from './refusals.ts'

/** The contract rejects a call. `errorName` and `errorArgs` are its custom error, if it has one. */
export class RevertError extends PermanentError {
  override name = 'RevertError'
  readonly errorName?: string
  readonly errorArgs?: readonly unknown[]
  /** Whether it was mined, and is not sent again under its key: then waiting does not help. */
  isMined = false
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
    readonly code: 'unreachable' | 'not-mined' | 'nonce-used' | 'no-funds' | 'fee-too-high',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The call needs more gas than a transaction may have on this chain: with fewer items it may fit. */
export class GasLimitError extends PermanentError {
  override name = 'GasLimitError'
}

/** How nodes say that a call ran out of the gas of a whole block, and that the call itself fails without a revert. */
const OUT_OF_GAS =
  /out ?of ?gas|gas required exceeds|gas uint64 overflow|exceeds block gas limit|intrinsic gas too high/i
const FAILS_IN_EVM =
  /execution reverted|invalid opcode|opcode .{1,30} not defined|invalid jump|stack (?:under|over)flow|stack limit|EvmError/i

/** The custom errors of all contracts: a call passes on the errors of the contracts that it calls. */
const contractErrors: AbiItem[] = Object.values(contracts).flatMap(({ abi }) =>
  (abi as Abi).filter((item) => item.type === 'error'),
)

/** The functions of the contract, with the errors of all contracts. */
export const callAbi = (contract: ContractName): Abi => [
  ...(contracts[contract].abi as Abi).filter((item) => item.type === 'function'),
  ...(contractErrors as unknown as Abi), // `Abi` is readonly and its members are not exported one by one
]

/** What the node said, without the arguments of the call, which others may have written. */
export const nodeText = (error: unknown): string =>
  error instanceof BaseError ? `${error.shortMessage} ${error.details ?? ''}` : (error as Error).message

/** Translates the error of a failed call: it needs too much gas, it reverts (with its decoded error), or the chain is unavailable. */
export function toChainError(what: string, cause: unknown): GasLimitError | RevertError | ChainUnavailableError {
  const said = nodeText(cause)
  if (OUT_OF_GAS.test(said))
    return new GasLimitError(`${what} needs more gas than a block of this chain has. Ask for less at once.`, { cause })
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
  if (refusalOf(said) === 'funds') return new ChainUnavailableError('no-funds', text, { cause })
  if (FAILS_IN_EVM.test(said)) return new RevertError(`${what} fails: ${text}`, { cause })
  return new ChainUnavailableError('unreachable', `${what}: the chain does not answer (${text}).`, { cause })
}

const TRANSPORT_ERRORS = [
  ChainUnavailableError, // of a node that is not asked
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
