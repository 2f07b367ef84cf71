import { formatEther } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import type { Act } from '../act.ts'
import type { SentCall } from '../chain/contracts.ts'
import { neededGas } from '../chain/neededGas.ts'
import type { Client } from '../client.ts'
import { ClientError, ContractRefusal } from '../errors.ts'
import { permit } from './permit.ts'

/** Lets a contract take gOPEN of the account, and no more than the act needs; `call` takes all of it.
 *  @throws ClientError when the account has too little, or the call would be refused for another reason: then nothing is sent. */
export async function allowTransfer(act: Act, spender: ContractName, amount: bigint, call?: SentCall): Promise<void> {
  const { client, account } = act
  if (amount === 0n || (call && act.hasBegun(call))) return
  const at = client.deployment.addresses[spender]
  const [balance, allowance] = await Promise.all([
    client.read('GOpen', 'balanceOf', [account]),
    client.read('GOpen', 'allowance', [account, at]),
  ])
  if (balance < amount && !client.plan?.length)
    throw new ClientError(
      `${account} has ${formatEther(balance)} gOPEN, and this takes ${formatEther(amount)}. Wrap at least ${formatEther(amount - balance)} native tokens first (wrap), or ask somebody to send gOPEN.`,
    )
  if (allowance >= amount) return
  if (call && !client.plan?.length) await requireAcceptable(client, call)
  if (client.relay) await permit(act, spender, amount)
  else await act.send({ contract: 'GOpen', functionName: 'approve', args: [at, amount] })
}

/** What a transfer is refused for that is not allowed yet. */
const NOT_ALLOWED = ['ERC20InsufficientAllowance', 'SafeERC20FailedOperation']

/** @throws ContractRefusal when the call would be refused although the transfer were allowed. */
async function requireAcceptable(client: Client, call: SentCall): Promise<void> {
  try {
    await neededGas(client, call)
  } catch (error) {
    if (error instanceof ContractRefusal && error.errorName && !NOT_ALLOWED.includes(error.errorName)) throw error
  }
}
