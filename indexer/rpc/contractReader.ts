import {
  type Abi,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
} from 'viem'
import { isRevert, lacksState, StatelessNode } from './errors.ts'
import type { Rpc } from './rpc.ts'

type View = 'view' | 'pure'

/** A typed function that calls view functions of `abi` as of one block. Its result is undefined when the contract has no such function:
 *  the call reverts, returns nothing, or a fallback function returns something else.
 *  @throws StatelessNode when the node answers no calls at all, any other RpcError that is not a revert. */
export function contractReader<const A extends Abi>(rpc: Rpc, abi: A, block: number | 'latest') {
  const tag = block === 'latest' ? block : `0x${block.toString(16)}`
  return async <N extends ContractFunctionName<A, View>, Args extends ContractFunctionArgs<A, View, N>>(
    address: string,
    functionName: N,
    ...args: Args & readonly unknown[]
  ): Promise<ContractFunctionReturnType<A, View, N, Args> | undefined> => {
    const call = { abi: abi as Abi, functionName: functionName as string }
    const data = encodeFunctionData({ ...call, args })
    const answer = await rpc.request('eth_call', [{ to: address, data }, tag]).catch((error: unknown) => {
      if (isRevert(error)) return '0x'
      if (lacksState(error)) throw new StatelessNode(error)
      throw error
    })
    if (answer === '0x') return undefined
    try {
      return decodeFunctionResult({ ...call, data: answer as Hex }) as ContractFunctionReturnType<A, View, N, Args>
    } catch {
      return undefined
    }
  }
}
