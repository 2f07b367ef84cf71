import type { ContractFunctionArgs, ContractFunctionName, ContractFunctionReturnType } from 'viem'
import type { ContractName, contracts } from '#contracts/generated/index.ts'

/** viem's types for any of our contracts. */

export type AbiOf<C extends ContractName> = (typeof contracts)[C]['abi']
type Write = 'nonpayable' | 'payable'
type View = 'view' | 'pure'

export type WriteName<C extends ContractName> = ContractFunctionName<AbiOf<C>, Write>
export type WriteArgs<C extends ContractName, F extends WriteName<C>> = ContractFunctionArgs<AbiOf<C>, Write, F>
export type ReadName<C extends ContractName> = ContractFunctionName<AbiOf<C>, View>
export type ReadArgs<C extends ContractName, F extends ReadName<C>> = ContractFunctionArgs<AbiOf<C>, View, F>
export type ReadResult<
  C extends ContractName,
  F extends ReadName<C>,
  A extends ReadArgs<C, F>,
> = ContractFunctionReturnType<AbiOf<C>, View, F, A>

/** A call of a contract that changes its state. */
export interface WriteCall<C extends ContractName = ContractName, F extends WriteName<C> = WriteName<C>> {
  contract: C
  functionName: F
  args: WriteArgs<C, F>
  /** Native tokens, in wei. */
  value?: bigint
}

/** A call without the types of its contract. */
export type SentCall = Pick<WriteCall, 'contract' | 'value'> & { functionName: string; args: readonly unknown[] }
