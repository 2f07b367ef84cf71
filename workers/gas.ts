import type { Address, PublicClient } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import { callAbi, GasLimitError, RevertError, toChainError } from './chainErrors.ts'

/** A call whose contract is known only at run time. */
export interface UntypedCall {
  contract: ContractName
  address: Address
  functionName: string
  args: readonly unknown[]
  value: bigint
}

type GasClient = Pick<PublicClient, 'getBlock' | 'simulateContract' | 'estimateContractGas'>

/** A transaction takes at most this part of a block: a larger one waits for an empty block, or for ever. */
const BLOCK_PART = 2n
/** The largest gas limit of a transaction since Osaka, whatever the block holds: https://eips.ethereum.org/EIPS/eip-7825 */
const MAX_TRANSACTION_GAS = 1n << 24n

/** The largest gas limit that a transaction may have on this chain, or `maxGas` if that is less. */
export async function gasCap(client: Pick<PublicClient, 'getBlock'>, maxGas = MAX_TRANSACTION_GAS): Promise<bigint> {
  const { gasLimit } = await client.getBlock().catch((cause) => {
    throw toChainError('Reading the gas limit of a block', cause)
  })
  const part = gasLimit / BLOCK_PART
  return [part, MAX_TRANSACTION_GAS, maxGas].reduce((least, one) => (one < least ? one : least))
}

export interface GasOptions {
  /** The most gas that a transaction may use; default: what the chain allows. */
  maxGas?: bigint
  /** `pending`: as if the call were in the next block, behind what waits for it. Default: `latest`. */
  triedIn?: 'latest' | 'pending'
}

/** The gas limit of a call, with a margin for state changes before it is mined.
 *  @throws RevertError when the call would revert; GasLimitError when it needs more than `gasCap`. */
export async function estimateGas(
  client: GasClient,
  sender: Address,
  call: UntypedCall,
  { maxGas, triedIn }: GasOptions = {},
): Promise<bigint> {
  const what = `${call.contract}.${call.functionName}`
  const request = requestOf(sender, call, triedIn && { blockTag: triedIn })
  const cap = await gasCap(client, maxGas)
  let gas: bigint
  try {
    await client.simulateContract(request)
    // a node may include pending transactions in the estimate: the call may revert only here
    gas = await client.estimateContractGas(request)
  } catch (cause) {
    throw toChainError(what, cause)
  }
  const least = (gas * 11n) / 10n
  if (least > cap)
    throw new GasLimitError(
      `${what} needs ${gas} gas; a transaction may use ${cap} ${cap === maxGas ? 'here' : 'on this chain'}. Ask for less at once.`,
    )
  const wanted = (gas * 3n) / 2n + 20_000n
  return wanted < cap ? wanted : cap
}

/** viem cannot type a call whose contract is known only at run time. */
const requestOf = (account: Address, { contract, address, functionName, args, value }: UntypedCall, at?: object) =>
  ({ abi: callAbi(contract), address, functionName, args, value, account, ...at }) as never

/** Simulates a reverted call at its block and at the one before, to find the contract's error. */
export async function revertReason(
  client: GasClient,
  sender: Address,
  call: UntypedCall,
  block: bigint,
  key: string,
): Promise<RevertError> {
  for (const blockNumber of [block - 1n, block])
    try {
      await client.simulateContract(requestOf(sender, call, { blockNumber }))
    } catch (cause) {
      const error = toChainError(`${call.contract}.${call.functionName} (${key})`, cause)
      if (error instanceof RevertError) return error
    }
  return new RevertError(`${call.contract}.${call.functionName} (${key}) was mined and reverted.`)
}
