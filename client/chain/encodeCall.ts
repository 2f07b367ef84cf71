import { encodeFunctionData, type Hex } from 'viem'
import { type ContractName, contracts } from '#contracts/generated/index.ts'
import type { WriteArgs, WriteName } from './contracts.ts'

/** Encodes a call of a contract, as an action of a proposal. */
export const encodeCall = <C extends ContractName, F extends WriteName<C>>(
  contract: C,
  functionName: F,
  args: WriteArgs<C, F>,
): Hex => encodeFunctionData({ abi: contracts[contract].abi, functionName, args } as never) // viem cannot infer a generic contract
