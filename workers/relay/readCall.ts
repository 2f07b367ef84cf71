import { type Abi, type Address, decodeFunctionData, encodeFunctionData, type Hex } from 'viem'
import { type ContractName, contracts } from '#contracts/generated/index.ts'
import type { RelayInput } from '#schema/jobs.ts'
import { isRelayedCall, RELAYED_CALLS } from '#schema/relayedCalls.ts'
import { JobError } from '../job.ts'
import { RELAY_RULES, type RelayChain, type RelayRule } from './rules.ts'

/** A call that may be relayed, with its rule. */
export interface ReadCall {
  contract: ContractName
  functionName: string
  args: readonly unknown[]
  /** In lower case. */
  account: Address
  rule: RelayRule<readonly unknown[]>
}

/** Reads what is to be relayed. @throws JobError when it is no relayed call, or not one of the account for which it was asked. */
export async function readCall(chain: RelayChain, { account, call, data }: RelayInput): Promise<ReadCall> {
  if (!isRelayedCall(call))
    throw new JobError('NOT_RELAYED', `${call} is not relayed. These calls are: ${RELAYED_CALLS.join(', ')}.`)
  const [contract, functionName] = call.split('.') as [ContractName, string]
  const args = decoded(contracts[contract].abi as Abi, functionName, data as Hex)
  if (!args) throw new JobError('BAD_CALL', `The data is no call of ${call}. Encode it with the ABI of ${contract}.`)
  const rule = RELAY_RULES[call] as unknown as ReadCall['rule'] // the arguments are those of the same call
  const found = await accountOfCall(chain, rule, args)
  if (found !== account.toLowerCase())
    throw new JobError(
      'OTHER_ACCOUNT',
      `This call is one of ${found ?? 'nobody'}, not of ${account}: it was signed by another key, or for another chain, contract, nonce or time. Sign it again.`,
    )
  return { contract, functionName, args, account: found, rule }
}

/** The arguments; undefined unless the data is exactly a call of the function: what follows it would only cost gas. */
function decoded(abi: Abi, functionName: string, data: Hex): readonly unknown[] | undefined {
  try {
    const found = decodeFunctionData({ abi, data })
    const isExact = found.functionName === functionName && encodeFunctionData({ abi, ...found }) === data
    return isExact ? found.args : undefined
  } catch {
    return undefined
  }
}

/** Undefined when a signature is none. */
async function accountOfCall(chain: RelayChain, rule: ReadCall['rule'], args: readonly unknown[]) {
  try {
    return (await rule.account(chain, args)).toLowerCase() as Address
  } catch {
    return undefined
  }
}
