import {
  type Abi,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
} from 'viem'
import { type BlockId, headerAt, hex } from '../chain/blockRange.ts'
import { InconsistentChain } from '../errors.ts'
import { isRevert, lacksState, NodeBusy, refusesHash, StateUnavailable } from './errors.ts'
import type { Rpc } from './rpc.ts'

type View = 'view' | 'pure'

/** As of which block a contract is asked: with its hash, no other block of that height can answer. */
export type AskedBlock = BlockId | number | 'latest'

/** A typed function that calls view functions of `abi` as of one block. Its result is undefined only when the contract has no such
 *  function: the call reverts, returns nothing, or a fallback function returns something else, which `onOther` is told.
 *  @throws StateUnavailable when the node does not have the block's state, RecordedChain when the chain is a replay, MethodUnsupported
 *  when the node does not support `eth_call`, any other RpcError that is not a revert. */
export function contractReader<const A extends Abi>(
  rpc: Rpc,
  abi: A,
  block: AskedBlock,
  onOther: (contract: string, functionName: string) => void = () => {},
) {
  return async <N extends ContractFunctionName<A, View>, Args extends ContractFunctionArgs<A, View, N>>(
    address: string,
    functionName: N,
    ...args: Args & readonly unknown[]
  ): Promise<ContractFunctionReturnType<A, View, N, Args> | undefined> => {
    const call = { abi: abi as Abi, functionName: functionName as string }
    const data = encodeFunctionData({ ...call, args })
    const answer = await callAt(rpc, { to: address, data }, block).catch((error: unknown) => {
      if (isRevert(error)) return '0x'
      throw lacksState(error) ? new StateUnavailable(numberOf(block), error) : error
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

const numberOf = (block: AskedBlock) => (typeof block === 'object' ? block.number : block)

/** A node that takes no hash (EIP-1898) is asked by number, and then which block that is. A replica on another fork may give both answers: what it
 *  told is not believed then. */
async function callAt(rpc: Rpc, transaction: { to: string; data: string }, block: AskedBlock): Promise<unknown> {
  const ask = (of: unknown) => rpc.request('eth_call', [transaction, of])
  if (typeof block !== 'object') return ask(block === 'latest' ? block : hex(block))
  const { number, hash } = block
  return ask({ blockHash: hash }).catch(async (error: unknown) => {
    if (!refusesHash(error)) throw error
    const [told] = await Promise.allSettled([ask(hex(number))])
    const now = await headerAt(rpc, number)
    if (now?.hash !== hash) throw new InconsistentChain(`The node answered as of another block ${number} than ${hash}`)
    if (told.status === 'rejected') throw told.reason
    return told.value
  })
}
