import { formatEther } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import type { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { permit } from './permit.ts'

/** Lets a contract take gOPEN of the account, and no more than the act needs. @throws ClientError when the account has too little. */
export async function allowTransfer(act: Act, spender: ContractName, amount: bigint): Promise<void> {
  const { client, account } = act
  if (amount === 0n) return
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
  if (client.relay) await permit(act, spender, amount)
  else await act.send({ contract: 'GOpen', functionName: 'approve', args: [at, amount] })
}

/** What an account has. In wei. */
export interface Balance {
  native: bigint
  gOpen: bigint
  /** gOPEN that votes. */
  locked: bigint
  /** The votes that the account has now, its own and those delegated to it. */
  votes: bigint
}

/** Reads what an account has. */
export async function balanceOf(client: Client, account: `0x${string}`): Promise<Balance> {
  const [native, gOpen, locked, votes] = await Promise.all([
    client.node.getBalance({ address: account }),
    client.read('GOpen', 'balanceOf', [account]),
    client.read('GOpen', 'lockedOf', [account]),
    client.read('GOpen', 'getVotes', [account]),
  ])
  return { native, gOpen, locked, votes }
}
