import { encodeFunctionData, type Hex } from 'viem'
import { contracts } from '#contracts/generated/index.ts'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import type { SentCall } from './contracts.ts'
import { explainRefusal } from './explainRefusal.ts'

export const dataOf = ({ contract, functionName, args }: SentCall): Hex =>
  encodeFunctionData({ abi: contracts[contract].abi, functionName, args } as never) // viem cannot infer a generic contract

/** Estimates in percent of what the node says: the state may change until the call is mined. */
const MARGIN = 120n

/** The gas of a call in the next block, with a margin. Nothing is sent. @throws ContractRefusal when the contract would refuse it. */
export async function neededGas(client: Client, call: SentCall): Promise<bigint> {
  const { node, deployment } = client
  const { contract, functionName, args, value = 0n } = call
  const from = accountOf(client)
  const address = deployment.addresses[contract]
  // A commitment of the newest block may be used in the next one, so the call is tried there.
  const block = { blockTag: 'pending' } as const
  try {
    return (
      ((await node.estimateGas({ account: from, to: address, data: dataOf(call), value, ...block })) * MARGIN) / 100n
    )
  } catch (cause) {
    const { abi } = contracts[contract]
    // The error of an estimate is not decoded: the same call tells it.
    const tried = { address, abi, functionName, args, value, account: from, ...block } as never // likewise
    const error = await node.simulateContract(tried).then(
      () => cause,
      (refused) => refused,
    )
    throw explainRefusal(call, error)
  }
}
