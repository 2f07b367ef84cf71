import {
  type Abi,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
} from 'viem'
import { isRevert, lacksState, NodeBusy, StateUnavailable } from './errors.ts'
import type { Rpc } from './rpc.ts'

type View = 'view' | 'pure'

/** A typed function that calls view functions of `abi` as of one block. Its result is undefined only when the contract has no such
 *  function: the call reverts, returns nothing, or a fallback function returns something else, which `onOther` is told.
 *  @throws StateUnavailable when the node does not have the block's state, RecordedChain when the chain is a replay, MethodUnsupported
 *  when the node does not support `eth_call`, any other RpcError that is not a revert. */
export function contractReader<const A extends Abi>(
  rpc: Rpc,
  abi: A,
  block: number | 'latest',
  onOther: (contract: string, functionName: string) => void = () => {},
) {
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
      throw lacksState(error) ? new StateUnavailable(block, error) : error
    })
    if (typeof answer !== 'string' || !/^0x/i.test(answer))
      throw new NodeBusy('RPC_URL: the node answered eth_call with something that is no data')
    if (answer === '0x') return undefined
    try {
      return decodeFunctionResult({ ...call, data: answer as Hex }) as ContractFunctionReturnType<A, View, N, Args>
    } catch {
      onOther(address, functionName)
      return undefined
    }
  }
}
