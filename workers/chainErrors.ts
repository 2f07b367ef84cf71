import { type Abi, type AbiItem, BaseError, ContractFunctionRevertedError } from 'viem'
import { type ContractName, contracts } from '#contracts/generated/index.ts'

export type ChainErrorCode =
  | 'reverted'
  | 'key-reused'
  | 'not-mined'
  | 'nonce-used'
  | 'no-funds'
  | 'unreachable'
  | 'other-chain'

/** A fault of a chain read or write. For `reverted`, `errorName` and `errorArgs` are the contract's custom error. */
export class ChainError extends Error {
  override name = 'ChainError'
  readonly errorName?: string
  readonly errorArgs?: readonly unknown[]
  constructor(
    readonly code: ChainErrorCode,
    message: string,
    options: ErrorOptions & { errorName?: string; errorArgs?: readonly unknown[] } = {},
  ) {
    super(message, options)
    this.errorName = options.errorName
    this.errorArgs = options.errorArgs
  }
}

/** Every custom error of every contract: a call passes on the errors of the contracts it calls. */
const contractErrors: AbiItem[] = Object.values(contracts).flatMap(({ abi }) =>
  (abi as Abi).filter((item) => item.type === 'error'),
)

/** The contract's functions, with the errors of all contracts. */
export const callAbi = (contract: ContractName): Abi => [
  ...(contracts[contract].abi as Abi).filter((item) => item.type === 'function'),
  ...(contractErrors as unknown as Abi),
]

/** A failed call as a ChainError: a revert with its decoded error, or an RPC that does not answer. */
export function toChainError(what: string, cause: unknown): ChainError {
  const revert =
    cause instanceof BaseError ? cause.walk((error) => error instanceof ContractFunctionRevertedError) : null
  if (revert instanceof ContractFunctionRevertedError) {
    const { data, reason } = revert
    if (data && data.errorName !== 'Error' && data.errorName !== 'Panic') {
      const shown = (data.args ?? []).map(String).join(', ')
      return new ChainError('reverted', `${what} reverts: ${data.errorName}(${shown}).`, {
        cause,
        errorName: data.errorName,
        errorArgs: data.args ?? [],
      })
    }
    return new ChainError('reverted', `${what} reverts: ${reason ?? 'no reason given'}.`, { cause })
  }
  const text = cause instanceof BaseError ? cause.shortMessage : (cause as Error).message
  if (/insufficient funds|exceeds the balance/i.test(text)) return new ChainError('no-funds', text, { cause })
  return new ChainError('unreachable', `${what}: the chain does not answer (${text}).`, { cause })
}
