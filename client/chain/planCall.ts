import { zeroHash } from 'viem'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ContractRefusal } from '../errors.ts'
import type { SentCall } from './contracts.ts'
import type { MinedTransaction } from './minedTransaction.ts'
import { neededGas } from './neededGas.ts'

/** Adds a call to the plan of a dry run, with what it would cost.
 *  @throws ContractRefusal when the contract would refuse it and no earlier step could change that. */
export async function planCall(client: Client, call: SentCall): Promise<MinedTransaction> {
  const { contract, functionName, args, value = 0n } = call
  const plan = client.plan ?? []
  const step = { step: `${contract}.${functionName}`, from: accountOf(client), args, value }
  try {
    const gas = await neededGas(client, call)
    const { maxFeePerGas } = await client.node.estimateFeesPerGas()
    plan.push({ ...step, gas, cost: client.relay ? 0n : gas * maxFeePerGas })
  } catch (error) {
    if (plan.length === 0 || !(error instanceof ContractRefusal)) throw error
    plan.push(step) // an earlier step, which was not sent, may be what it needs
  }
  return { hash: zeroHash, blockNumber: 0n }
}
